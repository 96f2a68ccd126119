/**
 * TCP connections into a host and from one host to another. A host has no network but its loopback, so a process of this
 * machine in the host's network namespace (network.pl) carries each connection over a unix socket. It is started once
 * somebody asks for it.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { isIPv4 } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { packageFolder } from "../machine/folders";
import { enterNetworkArgv } from "../machine/namespaces";
import { machineEnvironment } from "../machine/runProgram";
import { hostsFolder } from "./hostRecord";

/** Where connections of a host are taken, and where they are carried. */
interface Way {
  /** The address and port that programs of the host connect to. */
  readonly at: string;
  readonly port: number;
  /** The socket of the other host, as seen from the folder of all hosts. */
  readonly socket: string;
  /** The address from which the other host sees the connection come. */
  readonly from: string;
}

/** What a host's network is to have besides what it has. */
export interface NetworkOrder {
  /** Addresses at which the host itself can be reached. */
  readonly own: readonly string[];
  readonly listen: readonly Way[];
}

/** Where another host is found. */
export interface Reach {
  /** The IPv4 address of the other host. */
  readonly at: string;
  /** The IPv4 address of this host, from which the other host sees connections come. */
  readonly from: string;
  /** The TCP ports at which it is reached. @default 25, 465, 587, 3306 */
  readonly ports?: readonly number[];
}

/** The order by which one host reaches another. */
export function reachOrder(otherId: string, reach: Reach): NetworkOrder {
  const { at, from, ports = [25, 465, 587, 3306] } = reach;
  for (const address of [at, from]) mustBeAddress(address);
  const listen = ports.map((port) => ({ at, port, socket: socketOf(otherId), from }));
  return { own: [from], listen };
}

/** Throws unless the text is an IPv4 address. */
export function mustBeAddress(address: string): void {
  if (!isIPv4(address)) throw new Error(`${address} is no IPv4 address`);
}

/** The socket of a host, as a short name from the folder of all hosts, in which network.pl works. */
function socketOf(id: string): string {
  return `${id}/network`;
}

/** The keeper's part: the process that carries the connections of one host, once there is an order for it. */
export class HostNetwork {
  private carrier: ChildProcess | undefined;
  private readonly orders: NetworkOrder[] = [];
  /** Waiting for the next answers of the carrier, in this order. */
  private answers: ((answer: string) => void)[] = [];
  /** Each order waits for the one before it. */
  private last: Promise<unknown> = Promise.resolve();

  constructor(private readonly id: string) {}

  /** Gives the host what is ordered, and returns all addresses that it has been given. */
  obey(order: NetworkOrder, initPid: number): Promise<readonly string[]> {
    const done = this.last.then(async () => {
      if (this.carrier === undefined) await this.start(initPid);
      await this.tell(order);
      if (order.own.length + order.listen.length > 0) this.orders.push(order);
      return this.orders.flatMap(({ own }) => own);
    });
    this.last = done.catch(() => undefined);
    return done;
  }

  /** Gives the host the same network again when it has a new process 1, and with it new namespaces. */
  async follow(initPid: number): Promise<void> {
    if (this.carrier === undefined) return;
    this.close();
    await this.start(initPid);
    for (const order of this.orders) await this.tell(order);
  }

  /** Ends all connections. */
  close(): void {
    this.carrier?.kill("SIGKILL");
    this.carrier = undefined;
  }

  private async start(initPid: number): Promise<void> {
    const script = join(packageFolder(), "testing/host/network.pl");
    const argv = enterNetworkArgv(initPid, ["perl", script, socketOf(this.id)]);
    const [command = "", ...args] = argv;
    const carrier = spawn(command, args, {
      cwd: hostsFolder(),
      env: machineEnvironment,
      stdio: ["pipe", "pipe", "inherit"],
    });
    const answers: typeof this.answers = [];
    carrier.on("error", () => undefined);
    carrier.stdin.on("error", () => undefined);
    carrier.on("close", () => {
      if (this.carrier === carrier) this.carrier = undefined;
      for (const answer of answers.splice(0)) answer("the process that carries it ended");
    });
    createInterface(carrier.stdout).on("line", (line) => answers.shift()?.(line));
    this.carrier = carrier;
    this.answers = answers;
    await this.answered();
  }

  private async tell(order: NetworkOrder): Promise<void> {
    const done = this.answered();
    this.carrier?.stdin?.write(`${JSON.stringify(order)}\n`);
    await done;
  }

  private async answered(): Promise<void> {
    const answer = await new Promise<string>((resolve) => this.answers.push(resolve));
    if (answer !== "ok") throw new Error(`the network of the host ${this.id}: ${answer}`);
  }
}
