// The table in docs/guide.md of which step of the guide does what on which release, made from the results of
// tests/host/steps.test.ts, and for roles of tests/host/roles.test.ts:
//
//   npx jest tests/host/steps.test.ts tests/host/roles.test.ts --json --outputFile=results.json
//   node tools/guide-table.mjs --write results.json     # puts it into the page
//   node tools/guide-table.mjs --check results.json     # fails where the page says something else
import { readFileSync, writeFileSync } from "node:fs";

const PAGE = new URL("../docs/guide.md", import.meta.url);
const BEGIN = "<!-- made by tools/guide-table.mjs -->";
const END = "<!-- end of what it made -->";

/** The steps as the guide has them, and the component that does each. */
const ROWS = [
  ["2.1 Installing the port", "PostfixPackage"],
  ["2.2 Read the documentation", "PostfixDocs"],
  ["2.3 Enable Postfix", "MailerConf"],
  ["2.4 Minimal configuration; 3.4 check it", "MainCf"],
  ["2.5 Automatic startup; 3.1 restart syslogd", "RcConfLocal"],
  ["2.6 Disabling sendmail's cron job", "RootCrontab"],
  ["2.7 Verify aliases; 3.3 rebuild them", "Aliases"],
  ["3.2 Kill sendmail", "BaseMailer"],
  ["3.4 Check; 3.5 start Postfix", "PostfixService"],
  ["4.1–4.4 Test: dialogue, log, mailbox", "MailCheck"],
  ["Chroot files", "ChrootResolv"],
  ["Customise: master.cf", "MasterCf"],
  ["Customise: lookup tables", "LookupTable"],
  ["Customise: virtual mailboxes", "MailStore"],
  ["Proxy Configuration: mail for domains", "MailRelay"],
  ["Virtual Accounts", "VirtualAccounts"],
  ["Beyond the guide: certificate and key", "TlsCertificate"],
  ["Beyond the guide: mail goes out by one host", "Smarthost"],
  ["Beyond the guide: mail with a login", "Submission"],
];

/** What stands for each release that is tested: the releases that do things as it does. */
const COLUMNS = [
  ["4.7", "4.7–4.9"],
  ["5.0", "5.0–5.5"],
  ["5.6", "5.6"],
  ["5.7", "5.7"],
  ["7.8", "5.8–7.8"],
];

const LAWS = ["apply", "no-op", "drift", "undo"];

/** Whether a law held: "passed", "failed", or undefined where there is no such test. */
function resultsOf(file) {
  const held = new Map();
  for (const suite of JSON.parse(readFileSync(file, "utf8")).testResults) {
    const isRole = suite.name.endsWith("tests/host/roles.test.ts");
    if (!isRole && !suite.name.endsWith("tests/host/steps.test.ts")) continue;
    for (const { ancestorTitles, title, status } of suite.assertionResults) {
      const release = /^OpenBSD (\S+)$/.exec(ancestorTitles.at(isRole ? -2 : -1) ?? "")?.[1];
      const [, law, step] = /^([a-z-]+): (\w+)/.exec(title) ?? [];
      const kind = isRole ? ancestorTitles.at(-1) : step;
      if (release && law) held.set(`${release} ${kind} ${law}`, status);
    }
  }
  if (held.size === 0) throw new Error(`${file} has no results of tests/host/steps.test.ts`);
  return held;
}

function cell(held, release, kind) {
  const laws = LAWS.filter((law) => held.has(`${release} ${kind} ${law}`));
  if (laws.length === 0) return "not tested";
  const failed = laws.filter((law) => held.get(`${release} ${kind} ${law}`) !== "passed");
  if (failed.length > 0) return `FAILED: ${failed.join(", ")}`;
  return laws.length === LAWS.length ? "yes" : laws.join(", ");
}

function table(held) {
  const line = (cells) => `| ${cells.join(" | ")} |`;
  return [
    line(["guide", "component", ...COLUMNS.map(([, releases]) => releases)]),
    line(["---", "---", ...COLUMNS.map(() => "---")]),
    ...ROWS.map(([section, kind]) =>
      line([section, `\`${kind}\``, ...COLUMNS.map(([release]) => cell(held, release, kind))]),
    ),
  ].join("\n");
}

const [mode, file] = process.argv.slice(2);
if (!["--write", "--check"].includes(mode) || !file) {
  console.error("usage: guide-table.mjs --write|--check RESULTS.json");
  process.exit(2);
}
const page = readFileSync(PAGE, "utf8");
const [start, end] = [page.indexOf(BEGIN), page.indexOf(END)];
if (start < 0 || end < start) throw new Error(`docs/guide.md has no ${BEGIN} … ${END}`);
const made = `${BEGIN}\n\n${table(resultsOf(file))}\n\n`;
if (page.slice(start, end) === made) console.log("the guide's table is what the tests say");
else if (mode === "--write") {
  writeFileSync(PAGE, page.slice(0, start) + made + page.slice(end));
  console.log("put the table into docs/guide.md");
} else {
  console.error(`the guide's table is not what the tests say. They say:\n${made}`);
  console.error("Put it in with: node tools/guide-table.mjs --write RESULTS.json");
  process.exit(1);
}
