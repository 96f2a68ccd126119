/** Configurations that work, of the kinds that mail servers have: none of them may fail. */
import type { Configuration } from "./case";

const PACKAGE_GUARD = "permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination";

export const valid: readonly Configuration[] = [
  {
    name: "the guide's own",
    main: {
      myhostname: "mx.example.org",
      mydomain: "example.org",
      myorigin: "$mydomain",
      smtpd_banner: "$myhostname ESMTP $mail_name",
      parent_domain_matches_subdomains: "",
    },
  },
  { name: "a send-only host", main: { inet_interfaces: "loopback-only", mydestination: "" } },
  {
    name: "all mail to a relay host",
    main: { relayhost: "[smtp.example.net]:587", smtp_tls_security_level: "encrypt" },
  },
  {
    name: "a relay host with a password",
    main: {
      relayhost: "[smtp.example.net]:587",
      smtp_sasl_auth_enable: "yes",
      smtp_sasl_password_maps: "hash:/etc/postfix/sasl_passwd",
      smtp_sasl_security_options: "noanonymous",
      smtp_tls_security_level: "encrypt",
    },
    files: { "/etc/postfix/sasl_passwd": "[smtp.example.net]:587 user:secret\n" },
  },
  {
    name: "a relay for domains behind it",
    main: {
      mynetworks: "/etc/postfix/mynetworks",
      relay_domains: "/etc/postfix/relaydomains",
      transport_maps: "hash:/etc/postfix/routes",
      message_size_limit: "20480000",
      mydestination: "",
    },
    files: {
      "/etc/postfix/mynetworks": "127.0.0.0/8\n[::1]/128\n10.1.0.2\n",
      "/etc/postfix/relaydomains": "example.com\nexample.net\n",
      "/etc/postfix/routes": "example.com smtp:[10.1.0.2]\nexample.net relay:[10.1.0.2]:2525\n",
    },
  },
  {
    name: "recipients of a relay are known",
    main: {
      relay_domains: "example.com",
      relay_recipient_maps: "hash:/etc/postfix/relay_recipients",
      transport_maps: "hash:/etc/postfix/routes",
    },
    files: {
      "/etc/postfix/relay_recipients": "alice@example.com ok\nbob@example.com ok\n",
      "/etc/postfix/routes": "example.com relay:[10.1.0.2]\n.example.com :[10.1.0.2]\n",
    },
  },
  {
    name: "virtual mailboxes",
    main: {
      virtual_mailbox_base: "/var/spool/postfix/vmail",
      virtual_mailbox_domains: "hash:/etc/postfix/vdomains",
      virtual_mailbox_maps: "hash:/etc/postfix/vaccounts",
      virtual_minimum_uid: "900",
      virtual_transport: "virtual",
      virtual_uid_maps: "static:901",
      virtual_gid_maps: "static:901",
    },
    files: {
      "/etc/postfix/vdomains": "alpha.example.org ok\nbeta.example.org ok\n",
      "/etc/postfix/vaccounts": "alfred@alpha.example.org alpha.example.org/alfred/\n",
    },
  },
  {
    name: "virtual alias domains",
    main: {
      virtual_alias_domains: "example.com, example.net",
      virtual_alias_maps: "hash:/etc/postfix/forward",
    },
    files: {
      "/etc/postfix/forward":
        "postmaster@example.com root\n@example.net alice\ninfo@example.com\n  alice,\n  bob@example.org\n",
    },
  },
  {
    name: "virtual mailboxes over LMTP",
    main: {
      virtual_mailbox_domains: "example.com",
      virtual_transport: "lmtp:unix:private/dovecot-lmtp",
    },
  },
  {
    name: "local mailboxes over LMTP",
    main: { mailbox_transport: "lmtp:inet:127.0.0.1:24" },
  },
  {
    name: "a delivery agent as a pipe",
    main: {
      virtual_mailbox_domains: "example.com",
      virtual_transport: "dovecot",
      dovecot_destination_recipient_limit: "1",
    },
    master:
      "dovecot unix - n n - - pipe\n  flags=DRhu user=_vmail:_vmail argv=/usr/local/libexec/dovecot/deliver -f ${sender} -d ${recipient}\n",
  },
  {
    name: "mail to a list manager as a pipe",
    main: { mailman_destination_recipient_limit: "1", relay_domains: "lists.example.org" },
    master:
      "mailman unix - n n - - pipe\n  flags=FR user=list argv=/usr/local/lib/mailman/postfix-to-mailman.py ${nexthop} ${user}\n",
  },
  {
    name: "mailboxes by procmail, with its own $names",
    main: { mailbox_command: '/usr/local/bin/procmail -a "$EXTENSION"', recipient_delimiter: "+" },
  },
  {
    name: "maildirs in the home",
    main: {
      home_mailbox: "Maildir/",
      forward_path: "$home/.forward${recipient_delimiter}${extension}, $home/.forward",
    },
  },
  {
    name: "submission with overrides",
    master: [
      "submission inet n - y - - smtpd",
      "  -o syslog_name=postfix/submission",
      "  -o smtpd_tls_security_level=encrypt",
      "  -o smtpd_sasl_auth_enable=yes",
      "  -o smtpd_client_restrictions=permit_sasl_authenticated,reject",
      "  -o smtpd_recipient_restrictions=permit_sasl_authenticated,reject",
      "  -o milter_macro_daemon_name=ORIGINATING",
      "",
    ].join("\n"),
    main: { smtpd_sasl_type: "dovecot", smtpd_sasl_path: "private/auth" },
  },
  {
    name: "submission with TLS from the start",
    master: [
      "smtps inet n - y - - smtpd",
      "  -o syslog_name=postfix/smtps -o smtpd_tls_wrappermode=yes",
      "  -o smtpd_sasl_auth_enable=yes",
      "# a comment in between",
      "  -o smtpd_recipient_restrictions=permit_sasl_authenticated,reject",
      "",
    ].join("\n"),
    main: { smtpd_sasl_type: "dovecot", smtpd_sasl_path: "inet:127.0.0.1:12345" },
  },
  {
    name: "overrides that refer to names of one's own",
    main: {
      mua_client_restrictions: "permit_sasl_authenticated, reject",
      mua_sender_restrictions: "reject_sender_login_mismatch",
      smtpd_sender_login_maps: "hash:/etc/postfix/logins",
    },
    files: { "/etc/postfix/logins": "alice@example.org alice\n" },
    master: [
      "submission inet n - y - - smtpd",
      "  -o smtpd_client_restrictions=$mua_client_restrictions",
      "  -o smtpd_sender_restrictions=$mua_sender_restrictions",
      "",
    ].join("\n"),
  },
  {
    name: "an override in braces",
    master:
      "submission inet n - y - - smtpd\n  -o { smtpd_client_restrictions = permit_sasl_authenticated, reject }\n",
    main: { mydomain: "example.org" },
    modern: true,
  },
  {
    name: "restriction classes",
    main: {
      smtpd_restriction_classes: "strict, lenient",
      strict: "reject_non_fqdn_sender, reject_unknown_sender_domain, permit",
      lenient: "permit",
      smtpd_sender_restrictions: "check_sender_access hash:/etc/postfix/senders",
      smtpd_recipient_restrictions: PACKAGE_GUARD,
    },
    files: { "/etc/postfix/senders": "example.com strict\nexample.net lenient\n" },
  },
  {
    name: "blocklists and a policy server",
    main: {
      smtpd_helo_required: "yes",
      smtpd_recipient_restrictions: [
        PACKAGE_GUARD,
        "reject_unknown_recipient_domain",
        "reject_rbl_client zen.example.org=127.0.0.[2..11]",
        "reject_rhsbl_sender dbl.example.org",
        "check_policy_service inet:127.0.0.1:10023",
        "check_policy_service unix:private/policyd-spf",
      ].join(", "),
    },
    master: "policyd-spf unix - n n - 0 spawn\n  user=nobody argv=/usr/local/bin/policyd-spf\n",
  },
  {
    name: "a policy server as a service with a time limit",
    main: {
      "policyd-spf_time_limit": "3600",
      smtpd_recipient_restrictions: `${PACKAGE_GUARD}, check_policy_service unix:private/policyd-spf`,
    },
    master: "policyd-spf unix - n n - 0 spawn user=nobody argv=/usr/local/bin/policyd-spf\n",
  },
  {
    name: "access by client, helo and sender",
    main: {
      smtpd_client_restrictions:
        "permit_mynetworks, check_client_access cidr:/etc/postfix/clients, reject_unknown_reverse_client_hostname",
      smtpd_helo_restrictions:
        "permit_mynetworks, check_helo_access pcre:/etc/postfix/helo, reject_invalid_helo_hostname",
      smtpd_sender_restrictions: "reject_unlisted_sender, reject_non_fqdn_sender",
    },
    files: {
      "/etc/postfix/clients": "192.0.2.0/24 REJECT\n2001:db8::/32 OK\n",
      "/etc/postfix/helo": "/^localhost$/ REJECT\n",
    },
    databases: [],
  },
  {
    name: "a bare table among the restrictions",
    main: {
      smtpd_sender_restrictions: "hash:/etc/postfix/senders, reject_unknown_sender_domain",
    },
    files: { "/etc/postfix/senders": "example.com REJECT no mail from you\n" },
  },
  {
    name: "warnings first",
    main: {
      smtpd_recipient_restrictions: `${PACKAGE_GUARD}, warn_if_reject reject_unverified_recipient`,
      unverified_recipient_reject_code: "450",
      address_verify_map: "btree:$data_directory/verify_cache",
    },
  },
  {
    name: "every stage has its list",
    main: {
      smtpd_delay_reject: "yes",
      smtpd_data_restrictions: "reject_unauth_pipelining, reject_multi_recipient_bounce",
      smtpd_end_of_data_restrictions: "check_policy_service inet:127.0.0.1:10031",
      smtpd_etrn_restrictions: "permit_mynetworks, reject",
    },
  },
  {
    name: "a guard that defers",
    main: {
      smtpd_relay_restrictions:
        "permit_mynetworks, permit_sasl_authenticated, defer_unauth_destination",
    },
    modern: true,
  },
  {
    name: "postscreen before smtpd",
    main: {
      postscreen_access_list: "permit_mynetworks, cidr:/etc/postfix/postscreen_access",
      postscreen_dnsbl_sites: "zen.example.org*3 bl.example.net*2",
      postscreen_dnsbl_threshold: "3",
      postscreen_dnsbl_action: "enforce",
      postscreen_greet_action: "enforce",
    },
    files: { "/etc/postfix/postscreen_access": "192.0.2.1 permit\n" },
    databases: [],
    master: [
      "smtpd pass - - y - - smtpd",
      "dnsblog unix - - y - 0 dnsblog",
      "tlsproxy unix - - y - 0 tlsproxy",
      "2525 inet n - y - 1 postscreen",
      "",
    ].join("\n"),
    modern: true,
  },
  {
    name: "milters",
    main: {
      smtpd_milters: "inet:localhost:8891, unix:/var/run/milter.sock",
      non_smtpd_milters: "$smtpd_milters",
      milter_default_action: "accept",
      milter_protocol: "6",
    },
  },
  {
    name: "a milter with settings of its own",
    main: { smtpd_milters: "{ inet:localhost:8891, connect_timeout=10s, default_action=accept }" },
    modern: true,
  },
  {
    name: "a content filter and the way back",
    main: {
      content_filter: "smtp-amavis:[127.0.0.1]:10024",
      "smtp-amavis_destination_recipient_limit": "1",
    },
    master: [
      "smtp-amavis unix - - y - 2 smtp",
      "  -o smtp_data_done_timeout=1200",
      "  -o smtp_send_xforward_command=yes",
      "127.0.0.1:10025 inet n - y - - smtpd",
      "  -o content_filter=",
      "  -o mynetworks=127.0.0.0/8",
      "  -o smtpd_recipient_restrictions=permit_mynetworks,reject",
      "  -o smtpd_authorized_xforward_hosts=127.0.0.0/8",
      "  -o receive_override_options=no_header_body_checks,no_unknown_recipient_checks",
      "",
    ].join("\n"),
  },
  {
    name: "a proxy filter",
    master: [
      "2526 inet n - y - - smtpd",
      "  -o smtpd_proxy_filter=127.0.0.1:10025",
      "  -o smtpd_client_connection_count_limit=10",
      "",
    ].join("\n"),
    main: { mydomain: "example.org" },
  },
  {
    name: "relays that depend on the sender",
    main: {
      sender_dependent_relayhost_maps: "hash:/etc/postfix/relays",
      smtp_sender_dependent_authentication: "yes",
      smtp_sasl_password_maps: "hash:/etc/postfix/sasl_passwd",
    },
    files: {
      "/etc/postfix/relays":
        "alice@example.org [smtp.example.net]:587\n@example.com [smtp.example.com]\n",
      "/etc/postfix/sasl_passwd": "alice@example.org alice:secret\n",
    },
  },
  {
    name: "transports that depend on the sender",
    main: { sender_dependent_default_transport_maps: "hash:/etc/postfix/out" },
    files: { "/etc/postfix/out": "@example.com out2:\n" },
    master:
      "out2 unix - - y - - smtp -o smtp_bind_address=192.0.2.2 -o smtp_helo_name=out2.example.com\n",
    modern: true,
  },
  {
    name: "a slow transport with limits",
    main: {
      transport_maps: "hash:/etc/postfix/routes",
      slow_destination_concurrency_limit: "2",
      slow_destination_recipient_limit: "20",
      slow_initial_destination_concurrency: "1",
      slow_destination_rate_delay: "1s",
    },
    files: { "/etc/postfix/routes": "example.com slow:\nexample.net smtp:\n* :\n" },
    master: "slow unix - - y - 5 smtp\n",
  },
  {
    name: "a list over several lines",
    mainLines:
      "mydestination = $myhostname,\n\tlocalhost.$mydomain,\n# a comment in between\n\n  localhost\n",
    main: { mydomain: "example.org" },
  },
  {
    name: "TLS with a session cache",
    main: {
      smtpd_tls_security_level: "may",
      smtpd_tls_cert_file: "/etc/ssl/mx.crt",
      smtpd_tls_key_file: "/etc/ssl/private/mx.key",
      smtpd_tls_session_cache_database: "btree:${data_directory}/smtpd_scache",
      smtp_tls_session_cache_database: "btree:${data_directory}/smtp_scache",
      smtp_tls_policy_maps: "hash:/etc/postfix/tls_policy",
      smtpd_tls_received_header: "yes",
      smtpd_tls_loglevel: "1",
    },
    files: {
      "/etc/ssl/mx.crt": "a certificate\n",
      "/etc/ssl/private/mx.key": "a key\n",
      "/etc/postfix/tls_policy": "example.com encrypt\n",
    },
  },
  {
    name: "header and body checks",
    main: {
      header_checks: "regexp:/etc/postfix/headers",
      body_checks: "pcre:/etc/postfix/bodies",
      mime_header_checks: "regexp:/etc/postfix/headers",
      smtp_header_checks: "regexp:/etc/postfix/headers",
    },
    files: {
      "/etc/postfix/headers": "/^Received:.*localhost/ IGNORE\n",
      "/etc/postfix/bodies": "/viagra/ REJECT\n",
    },
    databases: [],
  },
  {
    name: "rewriting",
    main: {
      canonical_maps: "hash:/etc/postfix/canon",
      sender_canonical_classes: "envelope_sender",
      masquerade_domains: "example.org",
      masquerade_exceptions: "root, mailer-daemon",
      smtp_generic_maps: "hash:/etc/postfix/canon",
      append_dot_mydomain: "no",
    },
    files: { "/etc/postfix/canon": "alice@mx.example.org alice@example.org\n" },
  },
  {
    name: "blind copies and relocated users",
    main: {
      sender_bcc_maps: "hash:/etc/postfix/bcc",
      recipient_bcc_maps: "hash:/etc/postfix/bcc",
      relocated_maps: "hash:/etc/postfix/gone",
      always_bcc: "archive@example.org",
    },
    files: {
      "/etc/postfix/bcc": "alice@example.org archive@example.org\n",
      "/etc/postfix/gone": "bob@example.org bob@example.net\n",
    },
  },
  {
    name: "aliases of the package",
    main: {
      alias_maps: "hash:/etc/postfix/staff",
      alias_database: "hash:/etc/postfix/staff",
      local_recipient_maps: "proxy:unix:passwd.byname $alias_maps",
    },
    files: {
      "/etc/postfix/staff":
        'root: alice\nowner-team: alice\nteam: alice, "|/bin/cat > /dev/null", :include:/etc/mail/team\n',
    },
  },
  {
    name: "several tables for one parameter",
    main: { virtual_alias_maps: "hash:/etc/postfix/forward, regexp:/etc/postfix/forward.re" },
    files: {
      "/etc/postfix/forward": "info@example.org alice\n",
      "/etc/postfix/forward.re": "/^info-.*@example\\.org$/ alice\n",
    },
    databases: ["/etc/postfix/forward"],
  },
  {
    name: "tables in braces",
    main: {
      virtual_alias_maps: "unionmap:{hash:/etc/postfix/forward, inline:{ info@example.org=bob }}",
      smtpd_client_restrictions: "check_client_access inline:{192.0.2.1=REJECT}, permit",
    },
    files: { "/etc/postfix/forward": "info@example.org alice\n" },
    modern: true,
  },
  {
    name: "values that depend on others",
    main: {
      smtp_fallback_relay: "${relayhost?{[fallback.example.org]}:{}}",
      smtpd_client_event_limit_exceptions:
        "${smtpd_client_connection_limit_exceptions:$mynetworks}",
    },
    modern: true,
  },
  {
    name: "networks of one's own",
    main: {
      mynetworks:
        "127.0.0.0/8 [::1]/128 10.0.0.0/8 192.168.0.0/16 [fe80::]/10 [fc00::]/7 192.0.2.7",
    },
  },
  {
    name: "a network that is left out",
    main: { mynetworks: "!192.168.5.0/24, 192.168.0.0/16, 127.0.0.0/8, [::1]/128" },
  },
  {
    name: "limits and times",
    main: {
      message_size_limit: "52428800",
      mailbox_size_limit: "0",
      maximal_queue_lifetime: "2d",
      bounce_queue_lifetime: "1d",
      minimal_backoff_time: "300s",
      smtpd_error_sleep_time: "0",
      smtpd_client_connection_rate_limit: "30",
      default_process_limit: "150",
    },
  },
  {
    name: "a name that only an outside program reads",
    main: { site_contact: "postmaster" },
    userDefined: ["site_contact"],
  },
  {
    name: "a catch-all and a disposable address",
    main: {
      luser_relay: "catchall@example.org",
      local_recipient_maps: "",
      recipient_delimiter: "+",
    },
  },
  {
    name: "answers for blocklists, with their own $names",
    main: {
      default_rbl_reply:
        "$rbl_code Service unavailable; $rbl_class [$rbl_what] blocked using $rbl_domain${rbl_reason?; $rbl_reason}",
      maps_rbl_reject_code: "554",
    },
  },
  {
    name: "tables in the configuration's own folder",
    main: {
      transport_maps: "hash:$config_directory/routes",
      mynetworks: "127.0.0.0/8 [::1]/128 cidr:${config_directory}/nets",
    },
    files: { "/etc/postfix/routes": "example.com smtp:\n", "/etc/postfix/nets": "10.0.0.0/8 x\n" },
    databases: ["/etc/postfix/routes"],
  },
  {
    name: "parameters under their former names",
    main: {
      smtpd_client_connection_limit_exceptions: "192.0.2.0/24",
      fallback_relay: "[fallback.example.org]",
      virtual_maps: "hash:/etc/postfix/forward",
    },
    files: { "/etc/postfix/forward": "info@example.org alice\n" },
  },
  {
    name: "parameters under the names that they had before 3.6",
    main: { postscreen_blacklist_action: "enforce", postscreen_dnsbl_whitelist_threshold: "-1" },
    modern: true,
  },
  {
    name: "levels of TLS in capitals",
    main: { smtpd_tls_security_level: "May", lmtp_tls_security_level: "Encrypt" },
  },
  {
    name: "overrides with braces in braces",
    master: [
      "submission inet n - y - - smtpd",
      "  -o { smtpd_recipient_restrictions = check_sasl_access { inline:{ a=OK } }, reject }",
      "  -o smtpd_milters={inet:localhost:8891, connect_timeout=10s}",
      "",
    ].join("\n"),
    main: { mydomain: "example.org" },
    modern: true,
  },
  {
    name: "a table that a service alone names",
    master:
      "submission inet n - y - - smtpd\n  -o smtpd_sender_login_maps=hash:/etc/postfix/logins\n",
    main: { mydomain: "example.org" },
    files: { "/etc/postfix/logins": "alice@example.org alice\n" },
  },
  {
    name: "all mail of all domains to one mailbox",
    main: { virtual_alias_maps: "static:alice@example.org" },
  },
  {
    name: "an override that refers to a list of the user's own, which is set nowhere and restricts nothing",
    main: { mydomain: "example.org" },
    master:
      "submission inet n - y - - smtpd\n  -o smtpd_client_restrictions=$mua_client_restrictions\n",
  },
  {
    name: "tables that proxymap may open, of which some are not used",
    main: {
      proxy_read_maps: "$local_recipient_maps $virtual_mailbox_limit_maps hash:/etc/postfix/unused",
    },
  },
];
