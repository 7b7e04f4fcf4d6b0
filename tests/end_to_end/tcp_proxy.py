"""A TCP proxy that forgets its connections without a word, as balancers and firewalls do."""
import select
import socket
import threading


class TcpProxy:
    def __init__(self, port):
        self.target = ("127.0.0.1", port)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.generation = 0  # connections of an older one are open and carry nothing
        self.swallows = False  # new connections are accepted and carry nothing either
        self.accepted = 0
        self.kept = []
        threading.Thread(target=self._accept, daemon=True).start()

    def forget_connections(self):
        self.generation += 1

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
                self.kept += [client, server]
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
