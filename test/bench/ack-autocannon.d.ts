// autocannon brings no types; these are the parts that we use.
declare module 'autocannon' {
  interface Request {
    method?: string;
    path?: string;
    headers?: Readonly<Record<string, string>>;
    body?: string;
  }
  interface Options {
    url: string;
    method: string;
    connections: number;
    amount: number;
    requests: readonly { setupRequest(blank: Request): Request }[];
  }
  interface Instance extends PromiseLike<{ '2xx': number }> {
    on(event: 'response', listener: () => void): this;
  }
  export default function autocannon(options: Options): Instance;
}
