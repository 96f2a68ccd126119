/** What the processes of a host tell everybody who may log in there: their arguments, and to some their environments. */
import type { TestHost } from "../../testing";
import { sh } from "../preview/server";

/** Prints the arguments and environments of processes that hold one of the lines of the input, until it is told to end. */
const WATCH = `
  chomp(my @words = <STDIN>);
  until (-e "/root/enough") {
    for (glob "/proc/[0-9]*/cmdline /proc/[0-9]*/environ") {
      open my $file, "<", $_ or next;
      my $text = join "", <$file>;
      for (@words) { print "$_\\n" if index($text, $_) >= 0 }
    }
    select undef, undef, undef, 0.02;
  }`;

/** Stands in the arguments of a process while it is watched, so that a watch that sees nothing is noticed. */
const CONTROL = "control-of-the-watch";

/** Does some work, and returns those of the words that stood in an argument or in the environment of a process. */
export async function seenInProcesses(
  host: TestHost,
  words: readonly string[],
  work: () => Promise<void>,
): Promise<readonly string[]> {
  const stdin = [...words, CONTROL].join("\n");
  const watched = host.exec(["/usr/bin/perl", "-e", WATCH], { stdin });
  try {
    await work();
  } finally {
    await sh(host, `sleep 1; : ${CONTROL}; : > /root/enough`);
  }
  const seen = new Set((await watched).stdout.trim().split("\n"));
  await sh(host, "rm /root/enough");
  if (!seen.delete(CONTROL)) throw new Error("the watch has seen nothing");
  return [...seen];
}
