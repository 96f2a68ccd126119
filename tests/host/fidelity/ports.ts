import { anything, type Row, type Story } from "./row";

const port = "cd /usr/ports/mail/postfix/stable";

const common: readonly Row[] = [
  {
    section: "1.6",
    fact: "neither the ports tree nor the compiler set is there from the start",
    script: "ls /usr/ports /usr/bin/cc /usr/bin/make",
    stderr: /^(?:ls: [^\n]*\n){3}$/,
    exit: 2,
  },
  {
    section: "1.6",
    fact: "both can be unpacked",
    script:
      "/usr/libexec/testhost/sets ports comp; ls /usr/ports/infrastructure/mk/bsd.port.mk /usr/bin/cc",
    stdout: "/usr/bin/cc\n/usr/ports/infrastructure/mk/bsd.port.mk\n",
  },
  {
    section: "1.1",
    fact: "show=FLAVORS prints one line; there is no flavor dovecot",
    script: `${port} && make show=FLAVORS`,
    stdout: "sasl2 ldap mysql pgsql db4\n",
  },
  {
    section: "1.1",
    fact: "flavors stand in the name in the port's order, not in that of the request",
    script: `${port} && env FLAVOR='mysql sasl2' make show=FULLPKGNAME`,
    stdout: /^postfix-\d[^-]*-sasl2-mysql\n$/,
  },
  {
    section: "1.1",
    fact: "an unknown flavor ends it, and names those there are",
    script: `${port} && env FLAVOR='mysql dovecot' make package`,
    stderr:
      "Fatal: Unknown flavor: dovecot\n   (Possible flavors are: sasl2 ldap mysql pgsql db4).\n",
    exit: 1,
  },
  {
    section: "1.6",
    fact: "a flavor as an argument is refused",
    script: `${port} && make FLAVOR=mysql package`,
    stderr: "Fatal: Use 'env FLAVOR=mysql make' instead.\n",
    exit: 1,
  },
  {
    section: "1.6",
    fact: "without the tree's infrastructure make finds nothing to include",
    script: `${port} && mv /usr/ports/infrastructure /tmp && make show=FLAVORS; mv /tmp/infrastructure /usr/ports`,
    stderr: /Could not find \/usr\/ports\/infrastructure\/mk\/bsd\.port\.mk\n$/,
  },
  {
    section: "1.6",
    fact: "a build goes through its phases, with what it depends on installed on the way",
    script: `${port} && env FLAVOR=mysql make package`,
    stdout:
      /^===> {2}Checking files for (postfix-\S+-mysql)\n[\s\S]*depends on: \S+ - not found\n[\s\S]*===> {2}Extracting for \1\n===> {2}Patching for \1\n===> {2}Configuring for \1\n===> {2}Building for \1\ncc [\s\S]*===> {2}Faking installation for \1\n===> {2}Building package for \1\nCreate \/usr\/ports\/packages\/(?:amd64|i386)\/all\/\1\.tgz\n$/,
    stderr: anything,
  },
  {
    section: "1.6",
    fact: "a package that is there is not built again",
    script: `${port} && env FLAVOR=mysql make package | grep -c 'is up to date'`,
    stdout: "1\n",
  },
  {
    section: "1.6",
    fact: "make install installs it, and a second time says that it is there",
    script: `${port} && env FLAVOR=mysql make install | sed -n '2p;$p' && env FLAVOR=mysql make install | tail -1; ls /var/db/pkg | grep -c '^postfix-.*-mysql$'`,
    stdout:
      /^===> {2}Installing postfix-\S+-mysql from \/usr\/ports\/packages\/(?:amd64|i386)\/all\/\n[^\n]*\nPackage postfix-\S+-mysql is already installed\n1\n$/,
    stderr: anything,
  },
  {
    section: "1.6",
    fact: "clean takes the work folder, clean=packages the package",
    script: `${port} && env FLAVOR=mysql make clean && env FLAVOR=mysql make clean=packages && find /usr/ports -name '*postfix-*-mysql*' ! -path '*/plist/*'`,
    stdout: /^===> {2}Cleaning for \S+-mysql\nrm -f \S+\n$/,
  },
];

const build = `${port} && env FLAVOR=ldap make package >/dev/null && name=$(env FLAVOR=ldap make show=FULLPKGNAME) && repository=/usr/ports/packages/$(arch -s)/all/`;

/** What people do in /usr/ports, on a release that signs packages and on one that does not. */
export const modernPorts: Story = {
  title: "ports",
  releases: ["7.8"],
  rows: [
    ...common,
    {
      section: "1.4",
      fact: "what was built here is not signed, and refused from PKG_PATH",
      script: `${build}; PKG_PATH=$repository pkg_add -rIx $name`,
      stdout: anything,
      stderr: /postfix-\S+-ldap\.tgz: unsigned package\n$/,
      exit: 1,
    },
    {
      section: "1.4",
      fact: "-D unsigned lets it in",
      script: `${build}; PKG_PATH=$repository pkg_add -rI -D unsigned $name >/dev/null; ls /var/db/pkg | grep ^postfix- && pkg_delete $name >/dev/null`,
      stdout: /^postfix-\S+-ldap\n$/,
      stderr: anything,
    },
    {
      section: "1.4",
      fact: "TRUSTED_PKG_PATH lets it in",
      script: `${build}; TRUSTED_PKG_PATH=$repository pkg_add -rIx $name >/dev/null; ls /var/db/pkg | grep ^postfix-`,
      stdout: /^postfix-\S+-ldap\n$/,
      stderr: anything,
    },
  ],
};

export const middlePorts: Story = {
  title: "ports, before there was TRUSTED_PKG_PATH",
  releases: ["5.7"],
  rows: [
    ...common,
    {
      section: "1.4",
      fact: "what was built here is not signed, and refused from PKG_PATH",
      script: `${build}; PKG_PATH=$repository pkg_add -rIx $name`,
      stdout: anything,
      stderr: /UNSIGNED PACKAGES: postfix-\S+-ldap\nFatal error: Unsigned package \S+-ldap\.tgz\n$/,
      exit: 1,
    },
    {
      section: "1.4",
      fact: "TRUSTED_PKG_PATH is not read",
      script: `${build}; TRUSTED_PKG_PATH=$repository pkg_add -rIx postfix--ldap`,
      stdout: anything,
      stderr: "Can't find postfix--ldap\n",
    },
    {
      section: "1.4",
      fact: "-D unsigned lets it in",
      script: `${build}; PKG_PATH=$repository pkg_add -rIx -D unsigned $name >/dev/null; ls /var/db/pkg | grep ^postfix-`,
      stdout: /^postfix-\S+-ldap\n$/,
      stderr: anything,
    },
  ],
};

export const oldPorts: Story = {
  title: "ports, before packages were signed",
  releases: ["4.7"],
  rows: [
    ...common,
    {
      section: "1.4",
      fact: "what was built here is installed from PKG_PATH",
      script: `${build}; PKG_PATH=$repository pkg_add -r -x $name >/dev/null; ls /var/db/pkg | grep ^postfix-`,
      stdout: /^postfix-\S+-ldap\n$/,
      stderr: anything,
    },
  ],
};
