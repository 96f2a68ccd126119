/** The switch to Postfix and back while mail is handed in on the host. */
import { collect, submit } from "../host/commands";
import { linesOf } from "../host/facts";
import { type Check, expectSame, NotSeen, type Part, RECIPIENT } from "../suite";

const underMail: Check = {
  name: "switch-under-mail",
  law: "of the messages that are handed in during up and destroy none that was accepted is lost or doubled",
  run: async (stage) => {
    const { ssh, stack } = stage;
    stage.write();
    const folder = (await ssh.run(submit, RECIPIENT)).trim();
    let collected: string;
    try {
      await stack.up();
      await stack.destroy();
    } finally {
      collected = await ssh.run(collect, RECIPIENT, folder);
    }
    const [accepted = "", delivered = ""] = collected.split(/^--\n/m);
    const there = linesOf(delivered);
    const lost = linesOf(accepted).filter((number) => !there.includes(number));
    const doubled = there.filter((number, index) => there.indexOf(number) !== index);
    if (lost.length > 0) throw new NotSeen(`accepted and not delivered: ${lost.join(", ")}`);
    if (doubled.length > 0) throw new NotSeen(`delivered more than once: ${doubled.join(", ")}`);
    const count = linesOf(accepted).length;
    if (count === 0) throw new NotSeen("no message was accepted at all");
    await expectSame(stage.bare, ssh);
    return `${count} accepted, ${count} delivered once`;
  },
};

export const switchUnderMail: Part = {
  name: "mail",
  title: "The switch while mail is handed in",
  short: false,
  without: ({ mailers }) =>
    mailers.includes("postfix") || mailers.length === 0
      ? `the base system's mailer does not run (${mailers.join(", ") || "none does"})`
      : undefined,
  checks: [underMail],
};
