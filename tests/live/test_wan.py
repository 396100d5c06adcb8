"""The WAN relay keeps its promises: time, order, content, half-close, partition. Needs no database."""

import os
import random
import resource
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

from harness import main, test, want, want_between, want_error, want_true
import servers
from servers import Relay, wait_for

DELAY_MS = 40
ROUND_TRIP_S = 2 * DELAY_MS / 1000
RESET_AT_ONCE = struct.pack("ii", 1, 0)


class Echo:
    """A server that sends back what it gets, connection by connection, until its client's end of stream."""

    def __init__(self, answer=None, path=None):
        self.answer = answer or self.send_back
        self.listener = socket.socket(socket.AF_UNIX if path else socket.AF_INET)
        self.listener.bind(path or ("127.0.0.1", 0))
        self.listener.listen(1024)
        self.address = f"unix:{path}" if path else "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.accepted = []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.accepted.append(client)
            threading.Thread(target=self.answer, args=(client,), daemon=True).start()

    @staticmethod
    def send_back(client):
        with client:
            try:
                while data := client.recv(1 << 16):
                    client.sendall(data)
            except ConnectionError:
                pass

    def close(self):
        self.listener.close()


def connect(relay):
    client = socket.create_connection(("127.0.0.1", relay.port))
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    client.settimeout(20)
    return client


def warm(client):
    """One exchange, so that the handshake's round trip is over."""
    client.sendall(b"!")
    want(b"!", read_exactly(client, 1))
    return client


def read_exactly(client, size):
    data = bytearray()
    while len(data) < size:
        more = client.recv(min(size - len(data), 1 << 20))
        if not more:
            break
        data += more
    return bytes(data)


def best_of(tries, measure, good_enough):
    """The least of several measurements, as this machine may be busy with other things; ends early when good enough."""
    best = measure()
    for _ in range(tries - 1):
        if best <= good_enough:
            break
        best = min(best, measure())
    return best


def elapsed(action):
    start = time.monotonic()
    action()
    return time.monotonic() - start


@test
def a_round_trip_takes_twice_the_delay():
    echo = Echo()
    relay = Relay(echo.address, DELAY_MS)
    client = warm(connect(relay))
    trips = []
    for _ in range(25):
        trips.append(elapsed(lambda: warm(client)))
    want_true(min(trips) >= ROUND_TRIP_S, f"no trip under {ROUND_TRIP_S} s, got {min(trips)}")
    want_between(ROUND_TRIP_S, ROUND_TRIP_S + 0.004, sorted(trips)[len(trips) // 2], "median round trip in s")
    client.close()
    relay.stop()
    echo.close()


@test
def the_delay_may_be_a_fraction_of_a_millisecond():
    echo = Echo()
    relay = Relay(echo.address, 0.5)
    client = warm(connect(relay))
    best = best_of(200, lambda: elapsed(lambda: warm(client)), 0.0012)
    want_between(0.001, 0.002, best, "round trip in s")
    relay.stop()
    echo.close()


@test
def without_delay_it_is_a_plain_relay():
    echo = Echo()
    relay = Relay(echo.address, 0)
    client = warm(connect(relay))
    want_true(best_of(50, lambda: elapsed(lambda: warm(client)), 0.001) < 0.005, "a round trip well under 5 ms")
    relay.stop()
    echo.close()


@test
def connecting_costs_a_round_trip_before_a_client_is_answered():
    echo = Echo()
    relay = Relay(echo.address, DELAY_MS)

    def first_answer():
        client = connect(relay)
        warm(client)
        client.close()

    best = best_of(5, lambda: elapsed(first_answer), 2 * ROUND_TRIP_S + 0.004)
    want_between(2 * ROUND_TRIP_S, 2 * ROUND_TRIP_S + 0.03, best, "connect and first answer in s")
    relay.stop()
    echo.close()


@test
def connecting_costs_a_round_trip_before_a_server_that_greets_is_heard():
    def greet(client):
        client.sendall(b"hello")
        client.close()

    echo = Echo(greet)
    relay = Relay(echo.address, DELAY_MS)

    def greeted():
        with connect(relay) as client:
            want(b"hello", read_exactly(client, 5))

    best = best_of(5, lambda: elapsed(greeted), 2 * ROUND_TRIP_S + 0.004)
    want_between(2 * ROUND_TRIP_S, 2 * ROUND_TRIP_S + 0.03, best, "connect to greeting in s")
    relay.stop()
    echo.close()


@test
def fifty_megabytes_arrive_whole_and_in_order_both_ways():
    echo = Echo()
    relay = Relay(echo.address, DELAY_MS)
    client = connect(relay)
    data = random.randbytes(50 << 20)

    def send():
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)

    sender = threading.Thread(target=send)
    start = time.monotonic()
    sender.start()
    got = read_exactly(client, len(data) + 1)
    took = time.monotonic() - start
    sender.join()
    want(len(data), len(got), "bytes that came back")
    want_true(got == data, "the same bytes in the same order")
    want_true(took < 15, f"50 MB there and back within 15 s, got {took:.1f} s")
    relay.stop()
    echo.close()


@test
def a_hundred_requests_in_flight_take_one_round_trip():
    echo = Echo()
    relay = Relay(echo.address, DELAY_MS)
    client = warm(connect(relay))

    def burst():
        for i in range(100):
            client.sendall(b"%07d\n" % i)
        lines = read_exactly(client, 800).split()
        want([b"%07d" % i for i in range(100)], lines)

    best = best_of(5, lambda: elapsed(burst), ROUND_TRIP_S + 0.01)
    want_between(ROUND_TRIP_S, 2 * ROUND_TRIP_S, best, "100 requests in s")
    relay.stop()
    echo.close()


@test
def requests_sent_apart_are_answered_as_far_apart():
    echo = Echo()
    relay = Relay(echo.address, DELAY_MS)
    client = warm(connect(relay))
    sent, heard = [], []

    def listen():
        for _ in range(10):
            want(b"!", client.recv(1))
            heard.append(time.monotonic())

    listener = threading.Thread(target=listen)
    listener.start()
    for _ in range(10):
        sent.append(time.monotonic())
        client.sendall(b"!")
        time.sleep(0.007)
    listener.join()
    for there, back in zip(sent, heard):
        want_between(ROUND_TRIP_S, ROUND_TRIP_S + 0.03, back - there, "each round trip in s")
    relay.stop()
    echo.close()


@test
def a_half_closed_connection_still_carries_the_answer():
    def answer_at_end(client):
        with client:
            data = b""
            while more := client.recv(1000):
                data += more
            client.sendall(data[::-1])

    server = Echo(answer_at_end)
    relay = Relay(server.address, DELAY_MS)
    client = connect(relay)
    client.sendall(b"abc")
    client.shutdown(socket.SHUT_WR)
    want(b"cba", read_exactly(client, 10))
    relay.stop()
    server.close()


@test
def the_end_of_a_stream_takes_as_long_as_its_bytes():
    echo = Echo()
    relay = Relay(echo.address, DELAY_MS)

    def close_and_hear():
        client = warm(connect(relay))
        start = time.monotonic()
        client.shutdown(socket.SHUT_WR)
        want(b"", client.recv(1))
        return time.monotonic() - start

    want_between(ROUND_TRIP_S, ROUND_TRIP_S + 0.03, best_of(5, close_and_hear, ROUND_TRIP_S + 0.004), "end to end in s")
    relay.stop()
    echo.close()


@test
def a_reset_goes_through_as_a_reset():
    gone = []

    def note_end(server_side):
        with server_side:
            try:
                while server_side.recv(1000):
                    pass
                gone.append("end of stream")
            except ConnectionResetError:
                gone.append("reset")

    server = Echo(note_end)
    relay = Relay(server.address, DELAY_MS)
    client = connect(relay)
    client.sendall(b"!")
    wait_for(lambda: server.accepted, 5)
    time.sleep(0.1)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_ONCE)
    client.close()
    wait_for(lambda: gone, 5)
    want(["reset"], gone)

    client = connect(relay)
    wait_for(lambda: len(server.accepted) == 2, 5)
    server.accepted[1].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_ONCE)
    server.accepted[1].shutdown(socket.SHUT_RD)  # wakes the thread above, whose close is then a reset
    want_error(ConnectionResetError, client.recv, 1)
    relay.stop()
    server.close()


@test
def a_server_that_refuses_is_a_connection_reset():
    relay = Relay("127.0.0.1:%d" % servers.free_port(), DELAY_MS)
    client = connect(relay)
    want_error(ConnectionResetError, client.recv, 1)
    relay.stop()


@test
def a_partition_holds_everything_and_heals_without_loss():
    echo = Echo()
    relay = Relay(echo.address, DELAY_MS)
    client = warm(connect(relay))
    relay.partition()
    client.sendall(b"sent while cut")
    late = connect(relay)
    late.sendall(b"new while cut")
    want([], select.select([client, late], [], [], 0.5)[0], "connections that got something while cut")
    want(1, len(echo.accepted), "connections at the server while cut")
    healed = time.monotonic()
    relay.heal()
    want(b"sent while cut", read_exactly(client, 14))
    want_between(ROUND_TRIP_S, 1, time.monotonic() - healed, "from healing to answer in s")
    want(b"new while cut", read_exactly(late, 13))
    relay.stop()
    echo.close()


@test
def bytes_in_flight_survive_a_partition():
    echo = Echo()
    relay = Relay(echo.address, 200)
    client = warm(connect(relay))
    client.sendall(b"abc")
    time.sleep(0.1)
    relay.partition()
    want([], select.select([client], [], [], 0.6)[0], "arrivals while cut")
    relay.heal()
    want(b"abc", read_exactly(client, 3))
    relay.stop()
    echo.close()


@test
def a_slow_reader_holds_back_the_sender_and_loses_nothing():
    go = threading.Event()
    counted = []

    def read_late(client):
        with client:
            go.wait(30)
            total = 0
            while data := client.recv(1 << 20):
                total += len(data)
            counted.append(total)

    server = Echo(read_late)
    relay = Relay(server.address, DELAY_MS)
    client = connect(relay)
    client.setblocking(False)
    piece, sent, idle = bytes(1 << 20), 0, 0
    while idle < 10 and sent < 300 << 20:
        if select.select([], [client], [], 0.1)[1]:
            sent += client.send(piece)
            idle = 0
        else:
            idle += 1
    want_between(32 << 20, 120 << 20, sent, "bytes taken before the sender was held back")
    memory_kb = int(next(l for l in open(f"/proc/{relay.process.pid}/status") if l.startswith("VmRSS")).split()[1])
    want_true(memory_kb < 100 << 10, f"the relay under 100 MB, got {memory_kb} kB")
    go.set()
    client.shutdown(socket.SHUT_WR)
    wait_for(lambda: counted, 20)
    want([sent], counted, "bytes that arrived")
    client.close()
    relay.stop()
    server.close()


@test
def a_sender_that_closed_already_loses_nothing():
    path = os.path.join(servers.folder(), "far.sock")
    counted = []

    def read_slowly(client):
        with client:
            total = 0
            while data := client.recv(1 << 16):
                total += len(data)
                time.sleep(0.0005)
            counted.append(total)

    server = Echo(read_slowly, path)
    relay = Relay(server.address, DELAY_MS, listen="unix:" + os.path.join(servers.folder(), "near.sock"))
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(os.path.join(servers.folder(), "near.sock"))
        client.sendall(bytes(8 << 20))
    wait_for(lambda: counted, 20)
    want([8 << 20], counted, "bytes over unix sockets")
    relay.stop()
    want_true(not os.path.exists(os.path.join(servers.folder(), "near.sock")), "no socket file left behind")
    server.close()


@test
def five_hundred_connections_at_once_each_get_their_own_answer():
    echo = Echo()
    relay = Relay(echo.address, DELAY_MS)

    def all_at_once():
        clients = [connect(relay) for _ in range(500)]
        for i, client in enumerate(clients):
            client.sendall(b"%05d" % i)
        for i, client in enumerate(clients):
            want(b"%05d" % i, read_exactly(client, 5))
            client.close()

    took = elapsed(all_at_once)
    want_between(2 * ROUND_TRIP_S, 10, took, "500 connections in s")
    wait_for(lambda: len(os.listdir(f"/proc/{relay.process.pid}/fd")) < 20, 5, "the relay has closed all of them")
    relay.stop()
    echo.close()


@test
def running_out_of_descriptors_turns_clients_away_and_ends_there():
    echo = Echo()
    relay = Relay(echo.address, 1)
    first = warm(connect(relay))
    had = resource.prlimit(relay.process.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(relay.process.pid, resource.RLIMIT_NOFILE, (16, had[1]))
    crowd = [connect(relay) for _ in range(30)]
    turned_away = 0
    for client in crowd:
        try:
            client.sendall(b"!")
            turned_away += client.recv(1) != b"!"
        except ConnectionError:
            turned_away += 1
    want_between(1, 30, turned_away, "clients turned away")
    warm(first)
    for client in crowd:
        client.close()
    resource.prlimit(relay.process.pid, resource.RLIMIT_NOFILE, had)
    time.sleep(0.1)
    warm(connect(relay))
    relay.stop()
    echo.close()


@test
def chunks_leave_the_line_on_time():
    echo = Echo()

    def share_late():
        relay = Relay(echo.address, 5)
        client = warm(connect(relay))
        for _ in range(100):
            warm(client)
        relay.stop()
        # "... late by A ms on average, M ms at most, P % by more than 0.2 ms"
        return float(relay.summary.split("at most, ")[1].split(" %")[0])

    want_between(0, 20, best_of(5, share_late, 2), "per cent of chunks later than 0.2 ms")
    echo.close()


@test
def a_relay_says_what_is_wrong_with_its_arguments():
    program = os.path.join(servers.BUILD, "wan")
    for arguments in (
        [], ["--listen", "127.0.0.1:0"], ["--listen", "0.0.0.0:0", "--to", "127.0.0.1:1"], ["--listen", "x", "--to", "y"],
        ["--listen", "127.0.0.1:70000", "--to", "127.0.0.1:1"], ["--delay-ms", "-1"], ["--delay-ms", "soon"], ["what"],
    ):
        result = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=10)
        want(2, result.returncode, f"exit status of wan {' '.join(arguments)}")
        want_true(result.stderr.strip(), "a word on standard error")
    want(0, subprocess.run([program, "--help"], capture_output=True, timeout=10).returncode, "exit status of --help")


@test
def the_port_file_names_every_listener():
    echo = Echo()
    path = os.path.join(servers.folder(), "ports")
    process = servers.spawn([os.path.join(servers.BUILD, "wan"), "--listen", "127.0.0.1:0", "--to", echo.address, "--listen",
                             "127.0.0.1:0", "--to", echo.address, "--delay-ms", "1", "--port-file", path],
                            stdout=subprocess.DEVNULL)
    wait_for(lambda: os.path.exists(path), 5)
    ports = open(path).read().split()
    want(2, len(ports), "ports in the file")
    for port in ports:
        with socket.create_connection(("127.0.0.1", int(port))) as client:
            warm(client)
    process.send_signal(signal.SIGTERM)
    want(0, process.wait(5), "exit status after SIGTERM")
    echo.close()


if __name__ == "__main__":
    sys.exit(main())
