"""Граф LangGraph: модель, инструменты, память разговора, поток событий. Нужны langgraph и langchain-litellm."""

from __future__ import annotations

from langchain_core.tools import tool
from langchain_litellm import ChatLiteLLM
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, tools_condition

import litellm_gigachat_provider  # noqa: F401


@tool
def order_status(order_id: str) -> str:
    """Статус заказа по его номеру."""
    return f"Заказ {order_id}: в пути, доставка 5 мая"


TOOLS = [order_status]


def build():
    model = ChatLiteLLM(model="gigachat/GigaChat-2-Max").bind_tools(TOOLS)

    def think(state: MessagesState) -> dict:
        return {"messages": [model.invoke(state["messages"])]}

    graph = StateGraph(MessagesState)
    graph.add_node("think", think)
    graph.add_node("tools", ToolNode(TOOLS))
    graph.add_edge(START, "think")
    graph.add_conditional_edges("think", tools_condition)  # есть вызовы -> tools, нет -> конец
    graph.add_edge("tools", "think")
    return graph.compile(checkpointer=InMemorySaver())


def main() -> None:
    app = build()
    thread = {"configurable": {"thread_id": "1"}}
    answer = ""
    for question in ("Какой статус у заказа A-1024?", "Спасибо!"):
        print(f"\n> {question}")
        for part, _ in app.stream({"messages": [("user", question)]}, thread, stream_mode="messages"):
            print(part.content, end="", flush=True)
            answer += str(part.content)
    print()
    if "5 мая" not in answer:
        raise SystemExit("агент не воспользовался инструментом")
    if len(app.get_state(thread).values["messages"]) != 6:
        raise SystemExit("память разговора не сохранилась")


if __name__ == "__main__":
    main()
