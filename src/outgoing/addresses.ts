// Whereto requests may go that others ask us to make: to public addresses only, unless the settings name more. A name is looked up
// once; who connects must connect to the addresses that were judged, or a name that changes in between leads inside (DNS rebinding).
import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';

/** A network whose addresses may be sent to although they are not public: 10.0.0.0/8. */
export interface Network {
  readonly address: string;
  readonly prefix: number;
  readonly family: 'ipv4' | 'ipv6';
}

/** An address that a name leads to. */
export interface Address {
  readonly address: string;
  readonly family: number;
}

export type Lookup = (host: string) => Promise<readonly Address[]>;

// IANA's special-purpose registries (RFC 6890 and what followed it), multicast and what is reserved.
const notPublic4 = listOf([
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
]);
// Apart from the list above, because Node holds an IPv4 address against IPv6 networks as if it were mapped. Public is 2000::/3 only, so
// that loopback, mapped, translated, unique-local, link-local and multicast addresses need no line; of it go the special ones, which may
// hold an IPv4 address (Teredo, 6to4).
const notPublic6 = listOf([
  ['::', 3],
  ['4000::', 2],
  ['8000::', 1],
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
]);

function listOf(networks: readonly (readonly [address: string, prefix: number])[]): BlockList {
  const list = new BlockList();
  for (const [address, prefix] of networks) list.addSubnet(address, prefix, familyOf(address));
  return list;
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 4 ? 'ipv4' : 'ipv6';
}

export function isPublic(address: string): boolean {
  const family = familyOf(address);
  return !(family === 'ipv4' ? notPublic4 : notPublic6).check(address, family);
}

/** Reads a network, or a single address; null where it is neither. */
export function readNetwork(text: string): Network | null {
  const [address = '', length, ...rest] = text.split('/');
  const version = isIP(address);
  if (version === 0 || rest.length > 0) return null;
  const longest = version === 4 ? 32 : 128;
  const prefix = length === undefined ? longest : /^\d{1,3}$/.test(length) ? Number(length) : Number.NaN;
  return prefix <= longest ? { address, prefix, family: familyOf(address) } : null;
}

/** A place that may be sent to, with the addresses to connect to, or why nothing may be sent there. */
export type Destination =
  | { readonly ok: true; readonly url: URL; readonly addresses: readonly Address[] }
  | { readonly ok: false; readonly problem: string };

/** Judges places: https to public addresses; to addresses in `allowed`, http too. */
export function createJudge(
  allowed: readonly Network[],
  lookUp: Lookup = (host) => lookup(host, { all: true }),
): (url: string) => Promise<Destination> {
  const own = { ipv4: new BlockList(), ipv6: new BlockList() };
  for (const { address, prefix, family } of allowed) own[family].addSubnet(address, prefix, family);
  const isOwn = ({ address }: Address): boolean => own[familyOf(address)].check(address, familyOf(address));
  return async (text) => {
    const refuse = (problem: string) => ({ ok: false, problem }) as const;
    const url = URL.parse(text);
    if (url === null || !['https:', 'http:'].includes(url.protocol))
      return refuse('it is no URL that begins with https://');
    if (url.username !== '' || url.password !== '') return refuse('it holds a user or a password');
    const host = url.hostname.replace(/^\[|\]$/g, '');
    const addresses = await lookUp(host).catch(() => []);
    if (addresses.length === 0) return refuse(`the name ${host} leads to no address`);
    // One that may not be is enough: which of them a connection takes is chance.
    const inner = addresses.find((one) => !isPublic(one.address) && !isOwn(one));
    if (inner !== undefined)
      return refuse(
        `${host === inner.address ? host : `${host}, which is ${inner.address},`} is no public address, and WEBHOOK_ALLOWED_NETWORKS does not hold it`,
      );
    if (url.protocol === 'http:' && !addresses.every(isOwn))
      return refuse('it must begin with https://, unless WEBHOOK_ALLOWED_NETWORKS holds its address');
    return { ok: true, url, addresses };
  };
}
