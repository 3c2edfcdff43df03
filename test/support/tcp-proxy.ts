import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** A stretch of network between a program and its server that can fail. */
export interface TcpProxy extends AsyncDisposable {
  readonly port: number;
  /** Connections that are open now. */
  readonly connections: number;
  /** Everything that is sent, in either direction, goes nowhere, also on new connections. */
  hang(): void;
  /** Connections are cut and new ones refused. */
  refuse(): Promise<void>;
  /** New connections work again; those that hung are cut. */
  recover(): Promise<void>;
  /** New connections work again; those that hung stay silent and are never closed, as behind a firewall that forgot them. */
  recoverForNew(): void;
}

/** Passes everything on to `to`, until told otherwise. */
export async function startTcpProxy(to: { host: string; port: number }): Promise<TcpProxy> {
  const pairs = new Set<readonly [Socket, Socket]>();
  const silent = new WeakSet<Socket>();
  let hangs = false;
  let server: Server = await listen(0);
  const { port } = server.address() as AddressInfo;

  async function listen(onPort: number): Promise<Server> {
    const listener = createServer(accept).listen(onPort, '127.0.0.1');
    await once(listener, 'listening');
    return listener;
  }
  function accept(client: Socket): void {
    const upstream = connect(to.port, to.host);
    const pair = [client, upstream] as const;
    pairs.add(pair);
    forward(client, upstream);
    forward(upstream, client);
    for (const socket of pair) {
      socket.on('error', () => undefined);
      socket.on('close', () => {
        pairs.delete(pair);
        client.destroy();
        upstream.destroy();
      });
    }
  }
  function forward(from: Socket, into: Socket): void {
    from.on('data', (bytes) => {
      if (hangs || silent.has(from)) for (const end of [from, into]) silent.add(end);
      else into.write(bytes);
    });
  }
  function silence(): void {
    for (const pair of pairs) for (const end of pair) silent.add(end);
  }
  function cut(): void {
    for (const [client] of pairs) client.destroy();
  }
  async function close(): Promise<void> {
    cut();
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    await closed;
  }
  return {
    port,
    get connections() {
      return pairs.size;
    },
    hang() {
      hangs = true;
      silence();
    },
    refuse: close,
    async recover() {
      if (hangs) cut();
      hangs = false;
      if (!server.listening) server = await listen(port);
    },
    recoverForNew() {
      silence();
      hangs = false;
    },
    [Symbol.asyncDispose]: close,
  };
}
