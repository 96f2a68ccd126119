import { between, installPostfix, type Row, since, type Story, tried } from "./row";

/** What pkg_check says of a file that is gone, which to 2014 was more than once. */
const gone = (file: string): string =>
  `${file} should exist\n${file} is not a file\ncan't read ${file}\n`;

export const packageChecks: Story = {
  title: "pkg_check(8)",
  releases: tried,
  rows: [
    {
      section: "1.7",
      fact: "it is not there yet",
      releases: ["4.7"],
      script: "command -v pkg_check",
      exit: 1,
    },
    ...(
      [
        {
          section: "1.7",
          fact: "it says nothing where all is in order, before a package and with one",
          script: `pkg_check -n; ${installPostfix}; pkg_check -n; pkg_check -x; pkg_check -nq; pkg_check -n >/dev/null; echo $?`,
          stdout: "0\n",
        },
        {
          section: "1.7",
          fact: "the packing list has a checksum after each file",
          script:
            "grep -A2 -x sbin/postmap /var/db/pkg/postfix-*/+CONTENTS; stat -f %z /usr/local/sbin/postmap",
          stdout: /^sbin\/postmap\n@sha [A-Za-z0-9+/]{43}=\n@size (\d+)\n\1\n$/,
        },
        {
          section: "1.7",
          fact: "a file that is gone and one with another content, under the package's name, and it ends with 0",
          releases: ["4.9", "5.0", "5.5", "5.6", "5.7"],
          script: [
            "cd /usr/local/sbin; cp -p postmap postalias /tmp/; rm postmap; echo x >> postalias",
            "pkg_check -n; echo $?; cp -p /tmp/postmap /tmp/postalias .; pkg_check -n",
          ].join("\n"),
          stdout: new RegExp(
            `^--- postfix-\\S+ -------------------\\nchecksum for /usr/local/sbin/postalias does not match\\n${gone("/usr/local/sbin/postmap")}0\\n$`,
          ),
        },
        {
          section: "1.7",
          fact: "a file that is gone and one with another content, under the package's name, and it ends with 0",
          releases: ["7.8"],
          script: [
            "cd /usr/local/sbin; cp -p postmap postalias /tmp/; rm postmap; echo x >> postalias",
            "pkg_check -n; echo $?; cp -p /tmp/postmap /tmp/postalias .; pkg_check -n",
          ].join("\n"),
          stdout:
            /^--- postfix-\S+ -------------------\nchecksum for \/usr\/local\/sbin\/postalias does not match\n\/usr\/local\/sbin\/postmap should exist\n0\n$/,
        },
        {
          section: "1.7",
          fact: "with -q no content is looked at",
          script:
            "cd /usr/local/sbin; cp -p postmap /tmp/; echo x >> postmap; pkg_check -nq; cp -p /tmp/postmap .",
        },
        {
          section: "1.7",
          fact: "an entry of the database that is no package is said and skipped; -f removes it, unless -n says to change nothing",
          script: [
            "mkdir /var/db/pkg/nothing-1.0; pkg_check -n; echo $?",
            "pkg_check -nf 2>/dev/null; ls /var/db/pkg | grep nothing; pkg_check -f 2>/dev/null; ls /var/db/pkg | grep nothing; pkg_check",
          ].join("\n"),
          stdout: "0\nnothing-1.0\n",
          stderr: `nothing-1.0: missing /var/db/pkg/nothing-1.0/+CONTENTS\n${"skipping nothing-1.0\n".repeat(3)}`,
        },
        {
          section: "1.7",
          fact: "a packing list of another name is said",
          script: [
            "cd /var/db/pkg; mkdir other-1.0; printf '@name another-1.0\\n' > other-1.0/+CONTENTS; pkg_check -n; rm -r other-1.0",
          ].join("\n"),
          stderr: `other-1.0: pkgname does not match\n${"skipping other-1.0\n".repeat(3)}`,
        },
        {
          section: "1.7",
          fact: "dependencies that are not recorded, or recorded without need, are said both ways, and -f puts them right",
          script: [
            "cd /var/db/pkg; package=$(ls -d postfix-*); needed=$(cat $package/+REQUIRING)",
            "rm $package/+REQUIRING; { pkg_check -n 2>&1; } | sed -E 's/-[0-9.p]+/-N/g'; pkg_check -f 2>/dev/null; cat $package/+REQUIRING | grep -c $needed; pkg_check",
            "rm $needed/+REQUIRED_BY; { pkg_check -n 2>&1; } | sed -E 's/-[0-9.p]+/-N/g'; pkg_check -f 2>/dev/null; pkg_check",
          ].join("\n"),
          stdout: [
            /^postfix-N is missing dependencies: pcre2?-N\npcre2?-N has too many reverse dependencies: postfix-N\n1\n/,
            /pcre2?-N is missing reverse dependencies: postfix-N\n$/,
          ].reduce((one, other) => new RegExp(one.source + other.source)),
        },
        {
          section: "1.7",
          fact: "what belongs to no package below /usr/local is listed, line by line",
          releases: between("4.9", "5.5"),
          script:
            "mkdir /usr/local/mine; echo x > /usr/local/bin/mine; pkg_check -n; rm -r /usr/local/mine /usr/local/bin/mine",
          stdout: "Unknown directory /usr/local/mine\nUnknown file /usr/local/bin/mine\n",
        },
        {
          section: "1.7",
          fact: "what belongs to no package below /usr/local is listed, under a heading",
          releases: between("5.5", "6.9"),
          script:
            "mkdir /usr/local/mine; echo x > /usr/local/bin/mine; pkg_check -n; rm -r /usr/local/mine /usr/local/bin/mine",
          stdout:
            "Unknown files:\n\t/usr/local/bin/mine\nUnknown directories:\n\t/usr/local/mine\n",
        },
        {
          section: "1.7",
          fact: "what belongs to no package is listed only with -F",
          releases: ["7.8"],
          script:
            "mkdir /usr/local/mine; echo x > /usr/local/bin/mine; pkg_check -n; echo; pkg_check -nF; rm -r /usr/local/mine /usr/local/bin/mine",
          stdout:
            "\nUnknown files:\n\t/usr/local/bin/mine\nUnknown directories:\n\t/usr/local/mine\n",
        },
        {
          section: "1.7",
          fact: "records that others may write or cannot read are said",
          releases: ["7.8"],
          script: [
            "cd /var/db/pkg/postfix-*; chmod 600 +DESC; chmod 666 +DISPLAY; echo > +ODD; pkg_check -n 2>&1 | sed 's/-[0-9.]*//'",
            "chmod 644 +DESC +DISPLAY; rm +ODD; pkg_check",
          ].join("\n"),
          stdout: [
            "File /var/db/pkg/postfix/+DESC is not world-readable\n",
            "File /var/db/pkg/postfix/+DISPLAY is world/group writable\n",
            "Weird filename in pkg db: /var/db/pkg/postfix/+ODD\n",
          ].join(""),
        },
        {
          section: "1.7",
          fact: "an option that it does not know is its usage, and 1",
          script: "pkg_check -Z 2>&1 | tail -1; pkg_check -Z 2>/dev/null",
          stdout: /^Usage: pkg_check \[-(?:Ff|f)I?imnqvx\] \[-B pkg-destdir\] \[-D value\]\n$/,
          exit: 1,
        },
      ] satisfies Row[]
    ).map((row: Row): Row => ({ ...row, releases: row.releases ?? since("4.8") })),
  ],
};
