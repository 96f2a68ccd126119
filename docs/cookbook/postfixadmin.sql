-- The tables of postfixadmin that VirtualAccounts asks with `queries: "postfixadmin"`, and of them the columns that its
-- queries name: for a MySQL or MariaDB of today, where postfixadmin itself does not run. Load it into the database that the
-- program names: mysql mail < postfixadmin.sql

CREATE TABLE IF NOT EXISTS domain (
  domain varchar(255) NOT NULL,
  -- 1 for a domain whose mail this server only passes on: it has no mailboxes here.
  backupmx tinyint(1) NOT NULL DEFAULT 0,
  active tinyint(1) NOT NULL DEFAULT 1,
  PRIMARY KEY (domain)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE IF NOT EXISTS mailbox (
  -- The whole address.
  username varchar(255) NOT NULL,
  -- Below the folder of the mailboxes. The slash at its end makes it a maildir: 'alpha.example.org/alfred/'.
  maildir varchar(255) NOT NULL,
  active tinyint(1) NOT NULL DEFAULT 1,
  PRIMARY KEY (username)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE IF NOT EXISTS alias (
  -- The whole address, or '@alpha.example.org' for all of the domain that are named nowhere else. Where a domain has such
  -- a row, each mailbox needs one that leads to itself.
  address varchar(255) NOT NULL,
  -- Addresses with commas between them.
  goto text NOT NULL,
  active tinyint(1) NOT NULL DEFAULT 1,
  PRIMARY KEY (address)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
