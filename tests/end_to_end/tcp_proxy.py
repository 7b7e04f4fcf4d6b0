"""A TCP proxy that loses its connections: without a word, as balancers and firewalls do, or as a network that fails does."""
import select
import socket
import struct
import threading

LINGER_NOT = struct.pack("ii", 1, 0)  # close() sends RST


class TcpProxy:
    def __init__(self, port):
        self.target = ("127.0.0.1", port)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.generation = 0  # connections of an older one are lost in the way that `lose` says
        self.lose = self._keep
        self.swallows = False  # new connections are accepted and carry nothing either
        self.accepted = 0
        self.kept = []
        threading.Thread(target=self._accept, daemon=True).start()

    def forget_connections(self):
        """They are open at both ends and carry nothing."""
        self._lose_by(self._keep)

    def reset_connections(self):
        """Both ends are told by RST."""
        self._lose_by(self._reset)

    def leave_half_open(self):
        """The server's end is closed, the client's is open and carries nothing."""
        self._lose_by(self._close_server)

    def _lose_by(self, lose):
        self.lose = lose
        self.generation += 1

    def _keep(self, client, server):
        self.kept += [client, server]

    @staticmethod
    def _reset(client, server):
        for end in (client, server):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
            end.close()

    def _close_server(self, client, server):
        self.kept.append(client)
        server.close()

    def _accept(self):
        while True:
            client, _ = self.listener.accept()
            self.accepted += 1
            if self.swallows:
                self.kept.append(client)
                continue
            try:
                server = socket.create_connection(self.target)
            except OSError:
                client.close()
                continue
            threading.Thread(target=self._carry, args=(client, server, self.generation), daemon=True).start()

    def _carry(self, client, server, generation):
        other = {client: server, server: client}
        while True:
            ready, _, _ = select.select([client, server], [], [], 0.05)
            if generation != self.generation:
                self.lose(client, server)
                return
            for end in ready:
                try:
                    data = end.recv(1 << 16)
                    if data:
                        other[end].sendall(data)
                except OSError:
                    data = b""
                if not data:
                    client.close()
                    server.close()
                    return
