// HTTP by hand, for what a client library would not send.
import { connect } from 'node:net';

// Of a long answer, the beginning tells.
const enoughBytes = 64_000;

export interface RawAnswer {
  /** 0: the connection was closed without one. */
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

/** Sends bytes as they are, and reads what comes back until the other side closes. Ask for that: Connection: close. */
export async function exchange(url: string, bytes: string | Buffer): Promise<RawAnswer> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  const chunks: Buffer[] = [];
  let length = 0;
  socket.on('data', (chunk: Buffer) => {
    length += chunk.length;
    if (chunks.push(chunk) > 1 && length > enoughBytes) socket.destroy();
  });
  // Who refuses a body that it does not read resets the connection.
  socket.on('error', () => undefined);
  socket.write(bytes);
  await new Promise((resolve) => {
    socket.once('close', resolve);
  });
  const [head = '', ...rest] = Buffer.concat(chunks).toString('utf8').split('\r\n\r\n');
  const [first = '', ...lines] = head.split('\r\n');
  const headers = new Headers();
  for (const line of lines) headers.append(line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim());
  const isChunked = headers.get('transfer-encoding') === 'chunked';
  const content = rest.join('\r\n\r\n');
  return {
    status: Number(/^HTTP\/1\.1 (\d{3}) /.exec(first)?.[1] ?? 0),
    headers,
    body: isChunked ? unchunked(content) : content,
  };
}

/** Of characters of one byte. */
function unchunked(text: string): string {
  const size = Number.parseInt(text, 16);
  const start = text.indexOf('\r\n') + 2;
  return size > 0 ? text.slice(start, start + size) + unchunked(text.slice(start + size + 2)) : '';
}
