"""Connections that nobody uses: few, shared by all tenants who may share them, closed in time, and by nobody else."""

from __future__ import annotations

import asyncio
import ssl

import pytest
import trustme
from h2script import said, serving_h2_script
from loopback import WAYS, answer, in_thread, read_request, serving
from secure import server_context, serving_tls, write_ca

from litellm_gigachat_provider.errors import ConnectionFailureError, GigaChatError
from litellm_gigachat_provider.portal import PORTAL
from litellm_gigachat_provider.settings import Secret, Settings
from litellm_gigachat_provider.transport import connections
from litellm_gigachat_provider.transport.client import close_all, transport_for

pytestmark = pytest.mark.parametrize("way", WAYS)
FEW = 5


@pytest.fixture
def ca_file(tmp_path):
    return write_ca(tmp_path / "ca.pem")


@pytest.fixture(autouse=True)
def closed():
    close_all()
    yield
    PORTAL.stop()


def token(number):
    return Secret(f"token-{number:04}-" + "a" * 20)


def call(settings):
    transport = transport_for(settings)
    return transport.request("POST", settings.url("chat/completions"), json={}, timeout=10)


async def acall(settings):
    transport = transport_for(settings)
    return await transport.arequest("POST", settings.url("chat/completions"), json={}, timeout=10)


def stream(settings):
    with transport_for(settings).open_stream(settings.url("chat/completions"), json={}, timeout=10) as events:
        return list(events)


async def astream(settings):
    events = await transport_for(settings).aopen_stream(settings.url("chat/completions"), json={}, timeout=10)
    async with events:
        return [read async for read in events]


def one_after_the_other(way, kind, tenants, at_the_end=None):
    """A call of that kind for each tenant; then, before the loop ends, what ``at_the_end`` says."""

    async def main():
        for settings in tenants:
            await (acall if kind == "plain" else astream)(settings)
        return await asyncio.to_thread(at_the_end)

    if way == "async":
        return asyncio.run(main())
    for settings in tenants:
        (call if kind == "plain" else stream)(settings)
    return at_the_end()


def test_three_hundred_tenants_share_a_few_idle_connections(way):
    with serving() as server:
        tenants = [server.settings(access_token=token(number)) for number in range(300)]
        assert one_after_the_other(way, "plain", tenants, lambda: server.wait_closed(FEW)), f"{server.open} are open"
        # each with its own token nevertheless
        assert [seen.headers["authorization"] for seen in server.requests] == [
            f"Bearer {settings.access_token.reveal()}" for settings in tenants
        ]


def test_streams_of_many_tenants_share_a_few_idle_connections(way, ca_file):
    with serving_h2_script() as server:
        tenants = [server.settings(ca_file, access_token=token(number)) for number in range(40)]
        few = lambda: server.wait(lambda: server.open <= FEW)  # noqa: E731
        assert one_after_the_other(way, "stream", tenants, few), f"{server.open} are open"
        assert [seen.headers["authorization"] for seen in server.streams] == [
            f"Bearer {settings.access_token.reveal()}" for settings in tenants
        ]


def test_idle_connections_are_closed_after_the_keep_alive_time(way, monkeypatch, ca_file):
    """By a timer: no further call is needed."""
    assert 5 <= connections.KEEP_ALIVE <= 60  # seconds: below the idle limit of usual gateways (75 s)
    monkeypatch.setattr(connections, "KEEP_ALIVE", 0.4)
    PORTAL.stop()  # a loop keeps the time it began with
    with serving() as server:
        assert one_after_the_other(way, "plain", [server.settings()], server.wait_closed)
    with serving_h2_script() as server:
        closed = lambda: server.wait(lambda: server.open == 0)  # noqa: E731
        assert one_after_the_other(way, "stream", [server.settings(ca_file)], closed)


# --- who may not share ----------------------------------------------------------------------------------


def in_one_loop(way, kind, good, bad):
    """``good`` leaves an idle connection behind, ``bad`` must not find it: the failure of ``bad``."""

    async def main():
        await (acall if kind == "plain" else astream)(good)
        try:
            await (acall if kind == "plain" else astream)(bad)
        except GigaChatError as error:
            return error

    if way == "async":
        return asyncio.run(main())
    (call if kind == "plain" else stream)(good)
    try:
        (call if kind == "plain" else stream)(bad)
    except GigaChatError as error:
        return error
    return None


@pytest.mark.parametrize("kind", ["plain", "stream"])
def test_who_does_not_trust_the_server_is_given_no_connection_of_those_who_do(way, kind, ca_file):
    def expect(server, seen):
        for good in (server.settings(**extra), server.settings(**extra, verify=False)):
            error = in_one_loop(way, kind, good, server.settings(**without))
            assert isinstance(error, ConnectionFailureError), repr(error)
            assert "certificate" in str(error)
            close_all()
        assert len(seen()) == 2, "a request went out over a connection that its sender had not verified"

    bad = token(666)
    if kind == "plain":
        with serving_tls(ca_file) as server:
            extra, without = {}, {"access_token": bad, "ca_bundle_file": None}
            expect(server, lambda: server.requests)
    else:
        with serving_h2_script() as server:
            extra, without = {"ca_file": ca_file}, {"ca_file": None, "access_token": bad}
            expect(server, lambda: server.streams)


def test_a_client_certificate_belongs_to_its_tenant(way, ca_file, tmp_path):
    """What a gateway sees as the identity of the caller must not be lent to another."""
    client_ca = trustme.CA()
    identity = client_ca.issue_cert("client@example.test")
    chain = tmp_path / "client.pem"
    identity.private_key_and_cert_chain_pem.write_to_path(str(chain))
    context = server_context()
    context.verify_mode = ssl.CERT_OPTIONAL
    client_ca.configure_trust(context)
    seen = []

    async def serve(reader, writer):
        try:
            while request := await read_request(reader):
                seen.append((request.headers["authorization"][7:17], bool(writer.get_extra_info("peercert"))))
                stream = "event-stream" in request.headers["accept"]
                kind = "text/event-stream" if stream else "application/json"
                writer.write(answer(said() if stream else b"{}", kind=kind))
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    with in_thread(serve, context) as port:
        common = {"base_url": f"https://localhost:{port}/v1", "ca_bundle_file": ca_file}
        shows = Settings(**common, access_token=token(1), cert_file=str(chain))
        bare = Settings(**common, access_token=token(2))
        for kind in ("plain", "stream"):
            in_one_loop(way, kind, shows, bare)
            in_one_loop(way, kind, bare, shows)
    assert seen == [("token-0001", True), ("token-0002", False), ("token-0002", False), ("token-0001", True)] * 2
