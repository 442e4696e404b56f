"""How many generations of one account may run at once: in this process, and across processes and hosts."""
