/*
 * Made by tools/postfix-parameters.mjs from the sources of Postfix: do not edit.
 */

/** What Postfix reads the value of a parameter as. */
export type ParameterKind = "boolean" | "number" | "time" | "text";

/**
 * The parameters of main.cf by name, with the version that brought each where its manual names one. What a host's own
 * Postfix brings (for its services, in a later version) is not all here: what it says itself decides.
 */
export const KNOWN_PARAMETERS = {
  /** Text. See postconf(5). */
  "2bounce_notice_recipient": "text",
  /** A number; Postfix 2.6 and later. See postconf(5). */
  access_map_defer_code: "number",
  /** A number. See postconf(5). */
  access_map_reject_code: "number",
  /** A time, such as 30s or 5d; Postfix 2.7 and later. See postconf(5). */
  address_verify_cache_cleanup_interval: "time",
  /** Text; Postfix 2.1 and later. See postconf(5). */
  address_verify_default_transport: "text",
  /** Text; Postfix 2.1 and later. See postconf(5). */
  address_verify_local_transport: "text",
  /** Text; Postfix 2.1 and later. See postconf(5). */
  address_verify_map: "text",
  /** Yes or no; Postfix 2.1 and later. See postconf(5). */
  address_verify_negative_cache: "boolean",
  /** A time, such as 30s or 5d; Postfix 2.1 and later. See postconf(5). */
  address_verify_negative_expire_time: "time",
  /** A time, such as 30s or 5d; Postfix 2.1 and later. See postconf(5). */
  address_verify_negative_refresh_time: "time",
  /** A number; Postfix 3.1 and later. See postconf(5). */
  address_verify_pending_request_limit: "number",
  /** A number; Postfix 2.1 and later. See postconf(5). */
  address_verify_poll_count: "number",
  /** A time, such as 30s or 5d; Postfix 2.1 and later. See postconf(5). */
  address_verify_poll_delay: "time",
  /** A time, such as 30s or 5d; Postfix 2.1 and later. See postconf(5). */
  address_verify_positive_expire_time: "time",
  /** A time, such as 30s or 5d; Postfix 2.1 and later. See postconf(5). */
  address_verify_positive_refresh_time: "time",
  /** Text; Postfix 2.1 and later. See postconf(5). */
  address_verify_relay_transport: "text",
  /** Text; Postfix 2.1 and later. See postconf(5). */
  address_verify_relayhost: "text",
  /** Text; Postfix 2.1 and later. See postconf(5). */
  address_verify_sender: "text",
  /** Text; Postfix 2.7 and later. See postconf(5). */
  address_verify_sender_dependent_default_transport_maps: "text",
  /** Text; Postfix 2.3 and later. See postconf(5). */
  address_verify_sender_dependent_relayhost_maps: "text",
  /** A time, such as 30s or 5d; Postfix 2.9 and later. See postconf(5). */
  address_verify_sender_ttl: "time",
  /** Text. See postconf(5). */
  address_verify_service_name: "text",
  /** Text; Postfix 2.1 and later. See postconf(5). */
  address_verify_transport_maps: "text",
  /** Text; Postfix 2.1 and later. See postconf(5). */
  address_verify_virtual_transport: "text",
  /** Text. See postconf(5). */
  alias_database: "text",
  /** Text. See postconf(5). */
  alias_maps: "text",
  /** Text. See postconf(5). */
  allow_mail_to_commands: "text",
  /** Text. See postconf(5). */
  allow_mail_to_files: "text",
  /** Yes or no. See postconf(5). */
  allow_min_user: "boolean",
  /** Yes or no. See postconf(5). */
  allow_percent_hack: "boolean",
  /** Yes or no; Postfix 3.8 and later. See postconf(5). */
  allow_srv_lookup_fallback: "boolean",
  /** Yes or no. See postconf(5). */
  allow_untrusted_routing: "boolean",
  /** Text. See postconf(5). */
  alternate_config_directories: "text",
  /** Yes or no. See postconf(5). */
  always_add_missing_headers: "boolean",
  /** Text. See postconf(5). */
  always_bcc: "text",
  /** A time, such as 30s or 5d; Postfix 2.2 and later. See postconf(5). */
  anvil_rate_time_unit: "time",
  /** A time, such as 30s or 5d; Postfix 2.2 and later. See postconf(5). */
  anvil_status_update_time: "time",
  /** Yes or no. See postconf(5). */
  append_at_myorigin: "boolean",
  /** Yes or no. See postconf(5). */
  append_dot_mydomain: "boolean",
  /** A time, such as 30s or 5d; Postfix 2.1 and later. See postconf(5). */
  application_event_drain_time: "time",
  /** Text; Postfix 2.2 and later. See postconf(5). */
  authorized_flush_users: "text",
  /** Text; Postfix 2.2 and later. See postconf(5). */
  authorized_mailq_users: "text",
  /** Text; Postfix 2.2 and later. See postconf(5). */
  authorized_submit_users: "text",
  /** Text. See postconf(5). */
  authorized_verp_clients: "text",
  /** Yes or no; Postfix 2.1 and later. See postconf(5). */
  backwards_bounce_logfile_compatibility: "boolean",
  /** A number; Postfix 2.0 and later. See postconf(5). */
  berkeley_db_create_buffer_size: "number",
  /** A number; Postfix 2.0 and later. See postconf(5). */
  berkeley_db_read_buffer_size: "number",
  /** Text. See postconf(5). */
  best_mx_transport: "text",
  /** Yes or no. See postconf(5). */
  biff: "boolean",
  /** Text. See postconf(5). */
  body_checks: "text",
  /** A number; Postfix 2.0 and later. See postconf(5). */
  body_checks_size_limit: "number",
  /** Text. See postconf(5). */
  bounce_notice_recipient: "text",
  /** A time, such as 30s or 5d; Postfix 2.1 and later. See postconf(5). */
  bounce_queue_lifetime: "time",
  /** Text; Postfix 2.0 and later. See postconf(5). */
  bounce_service_name: "text",
  /** A number. See postconf(5). */
  bounce_size_limit: "number",
  /** Text; Postfix 2.3 and later. See postconf(5). */
  bounce_template_file: "text",
  /** Yes or no. See postconf(5). */
  broken_sasl_auth_clients: "boolean",
  /** Text; Postfix 2.2 and later. See postconf(5). */
  canonical_classes: "text",
  /** Text. See postconf(5). */
  canonical_maps: "text",
  /** Yes or no; Postfix 3.9 and later. See postconf(5). */
  cleanup_replace_stray_cr_lf: "boolean",
  /** Text; Postfix 2.0 and later. See postconf(5). */
  cleanup_service_name: "text",
  /** Text. See postconf(5). */
  command_directory: "text",
  /** Text; Postfix 2.2 and later. See postconf(5). */
  command_execution_directory: "text",
  /** Text. See postconf(5). */
  command_expansion_filter: "text",
  /** A time, such as 30s or 5d. See postconf(5). */
  command_time_limit: "time",
  /** Text; Postfix 3.0 and later. See postconf(5). */
  compatibility_level: "text",
  /** Text. See postconf(5). */
  config_directory: "text",
  /** Yes or no; Postfix 3.0 and later. See postconf(5). */
  confirm_delay_cleared: "boolean",
  /** A time, such as 30s or 5d; Postfix 2.3 and later. See postconf(5). */
  connection_cache_protocol_timeout: "time",
  /** Text; Postfix 2.2 and later. See postconf(5). */
  connection_cache_service_name: "text",
  /** A time, such as 30s or 5d. See postconf(5). */
  connection_cache_status_update_time: "time",
  /** A time, such as 30s or 5d. See postconf(5). */
  connection_cache_ttl_limit: "time",
  /** Text. See postconf(5). */
  content_filter: "text",
  /** Text; Postfix 2.5 and later. See postconf(5). */
  cyrus_sasl_config_path: "text",
  /** Text. See postconf(5). */
  daemon_directory: "text",
  /** Yes or no; Postfix 2.9 and later. See postconf(5). */
  daemon_table_open_error_is_fatal: "boolean",
  /** A time, such as 30s or 5d. See postconf(5). */
  daemon_timeout: "time",
  /** Text; Postfix 2.5 and later. See postconf(5). */
  data_directory: "text",
  /** A number. See postconf(5). */
  debug_peer_level: "number",
  /** Text. See postconf(5). */
  debug_peer_list: "text",
  /** Text. See postconf(5). */
  debugger_command: "text",
  /** Text. See postconf(5). */
  default_database_type: "text",
  /** A number. See postconf(5). */
  default_delivery_slot_cost: "number",
  /** A number. See postconf(5). */
  default_delivery_slot_discount: "number",
  /** A number. See postconf(5). */
  default_delivery_slot_loan: "number",
  /** Text; Postfix 3.0 and later. See postconf(5). */
  default_delivery_status_filter: "text",
  /** A number; Postfix 2.5 and later. See postconf(5). */
  default_destination_concurrency_failed_cohort_limit: "number",
  /** A number. See postconf(5). */
  default_destination_concurrency_limit: "number",
  /** Text; Postfix 2.5 and later. See postconf(5). */
  default_destination_concurrency_negative_feedback: "text",
  /** Text; Postfix 2.5 and later. See postconf(5). */
  default_destination_concurrency_positive_feedback: "text",
  /** A time, such as 30s or 5d; Postfix 2.5 and later. See postconf(5). */
  default_destination_rate_delay: "time",
  /** A number. See postconf(5). */
  default_destination_recipient_limit: "number",
  /** A number. See postconf(5). */
  default_extra_recipient_limit: "number",
  /** Text; Postfix 2.7 and later. See postconf(5). */
  default_filter_nexthop: "text",
  /** A number. See postconf(5). */
  default_minimum_delivery_slots: "number",
  /** Text. See postconf(5). */
  default_privs: "text",
  /** A number. See postconf(5). */
  default_process_limit: "number",
  /** Text; Postfix 2.0 and later. See postconf(5). */
  default_rbl_reply: "text",
  /** A number. See postconf(5). */
  default_recipient_limit: "number",
  /** A time, such as 30s or 5d; Postfix 2.4 and later. See postconf(5). */
  default_recipient_refill_delay: "time",
  /** A number; Postfix 2.4 and later. See postconf(5). */
  default_recipient_refill_limit: "number",
  /** Text. See postconf(5). */
  default_transport: "text",
  /** A time, such as 30s or 5d; Postfix 3.1 and later. See postconf(5). */
  default_transport_rate_delay: "time",
  /** Text; Postfix 1.1 and later. See postconf(5). */
  default_verp_delimiters: "text",
  /** A number. See postconf(5). */
  defer_code: "number",
  /** Text; Postfix 2.0 and later. See postconf(5). */
  defer_service_name: "text",
  /** Text. See postconf(5). */
  defer_transports: "text",
  /** A number; Postfix 2.3 and later. See postconf(5). */
  delay_logging_resolution_limit: "number",
  /** Text. See postconf(5). */
  delay_notice_recipient: "text",
  /** A time, such as 30s or 5d. See postconf(5). */
  delay_warning_time: "time",
  /** A number. See postconf(5). */
  deliver_lock_attempts: "number",
  /** A time, such as 30s or 5d. See postconf(5). */
  deliver_lock_delay: "time",
  /** Yes or no; Postfix 2.5 and later. See postconf(5). */
  destination_concurrency_feedback_debug: "boolean",
  /** Yes or no; Postfix 2.5 and later. See postconf(5). */
  detect_8bit_encoding_header: "boolean",
  /** Yes or no. See postconf(5). */
  disable_dns_lookups: "boolean",
  /** Yes or no; Postfix 2.0 and later. See postconf(5). */
  disable_mime_input_processing: "boolean",
  /** Yes or no; Postfix 2.0 and later. See postconf(5). */
  disable_mime_output_conversion: "boolean",
  /** Yes or no; Postfix 1.1 and later. See postconf(5). */
  disable_verp_bounces: "boolean",
  /** Yes or no. See postconf(5). */
  disable_vrfy_command: "boolean",
  /** Yes or no; Postfix 3.1 and later. See postconf(5). */
  dns_ncache_ttl_fix_enable: "boolean",
  /** A time, such as 30s or 5d; Postfix 2.8 and later. See postconf(5). */
  dnsblog_reply_delay: "time",
  /** Text; Postfix 2.8 and later. See postconf(5). */
  dnsblog_service_name: "text",
  /** Text; Postfix 3.6 and later. See postconf(5). */
  dnssec_probe: "text",
  /** A number. See postconf(5). */
  dont_remove: "number",
  /** Text. See postconf(5). */
  double_bounce_sender: "text",
  /** A number. See postconf(5). */
  duplicate_filter_limit: "number",
  /** Text; Postfix 2.7 and later. See postconf(5). */
  empty_address_default_transport_maps_lookup_key: "text",
  /** Text; Postfix 3.6 and later. See postconf(5). */
  empty_address_local_login_sender_maps_lookup_key: "text",
  /** Text. See postconf(5). */
  empty_address_recipient: "text",
  /** Text; Postfix 2.5 and later. See postconf(5). */
  empty_address_relayhost_maps_lookup_key: "text",
  /** Yes or no. See postconf(5). */
  enable_errors_to: "boolean",
  /** Yes or no; Postfix 3.2 and later. See postconf(5). */
  enable_idna2003_compatibility: "boolean",
  /** Yes or no; Postfix 2.9 and later. See postconf(5). */
  enable_long_queue_ids: "boolean",
  /** Yes or no; Postfix 2.1 and later. See postconf(5). */
  enable_original_recipient: "boolean",
  /** Yes or no; Postfix 3.6 and later. See postconf(5). */
  enable_threaded_bounces: "boolean",
  /** Text. See postconf(5). */
  error_notice_recipient: "text",
  /** Text; Postfix 2.0 and later. See postconf(5). */
  error_service_name: "text",
  /** Text; Postfix 2.2 and later. See postconf(5). */
  execution_directory_expansion_filter: "text",
  /** Yes or no. See postconf(5). */
  expand_owner_alias: "boolean",
  /** Text. See postconf(5). */
  export_environment: "text",
  /** A number. See postconf(5). */
  extract_recipient_limit: "number",
  /** Text. See postconf(5). */
  fallback_relay: "text",
  /** Text. See postconf(5). */
  fallback_transport: "text",
  /** Text; Postfix 2.3 and later. See postconf(5). */
  fallback_transport_maps: "text",
  /** Text. See postconf(5). */
  fast_flush_domains: "text",
  /** A time, such as 30s or 5d. See postconf(5). */
  fast_flush_purge_time: "time",
  /** A time, such as 30s or 5d. See postconf(5). */
  fast_flush_refresh_time: "time",
  /** A number. See postconf(5). */
  fault_injection_code: "number",
  /** Text; Postfix 2.0 and later. See postconf(5). */
  flush_service_name: "text",
  /** Yes or no; Postfix 3.9 and later. See postconf(5). */
  force_mime_input_conversion: "boolean",
  /** A number. See postconf(5). */
  fork_attempts: "number",
  /** A time, such as 30s or 5d. See postconf(5). */
  fork_delay: "time",
  /** Text. See postconf(5). */
  forward_expansion_filter: "text",
  /** Text. See postconf(5). */
  forward_path: "text",
  /** Yes or no; Postfix 2.3 and later. See postconf(5). */
  frozen_delivered_to: "boolean",
  /** Text; Postfix 3.10 and later. See postconf(5). */
  full_name_encoding_charset: "text",
  /** A number. See postconf(5). */
  hash_queue_depth: "number",
  /** Text. See postconf(5). */
  hash_queue_names: "text",
  /** A number. See postconf(5). */
  header_address_token_limit: "number",
  /** Text. See postconf(5). */
  header_checks: "text",
  /** Text; Postfix 3.3 and later. See postconf(5). */
  header_from_format: "text",
  /** A number. See postconf(5). */
  header_size_limit: "number",
  /** Yes or no; Postfix 2.0 and later. See postconf(5). */
  helpful_warnings: "boolean",
  /** Text. See postconf(5). */
  home_mailbox: "text",
  /** A number. See postconf(5). */
  hopcount_limit: "number",
  /** Text. See postconf(5). */
  html_directory: "text",
  /** Yes or no. See postconf(5). */
  ignore_mx_lookup_error: "boolean",
  /** Yes or no; Postfix 3.8 and later. See postconf(5). */
  ignore_srv_lookup_error: "boolean",
  /** Text. See postconf(5). */
  import_environment: "text",
  /** A time, such as 30s or 5d. See postconf(5). */
  in_flow_delay: "time",
  /** Text; Postfix 2.2 and later. See postconf(5). */
  inet_interfaces: "text",
  /** Text; Postfix 2.2 and later. See postconf(5). */
  inet_protocols: "text",
  /** Text; Postfix 3.5 and later. See postconf(5). */
  info_log_address_format: "text",
  /** A number. See postconf(5). */
  initial_destination_concurrency: "number",
  /** Text; Postfix 2.3 and later. See postconf(5). */
  internal_mail_filter_classes: "text",
  /** A number. See postconf(5). */
  invalid_hostname_reject_code: "number",
  /** A time, such as 30s or 5d. See postconf(5). */
  ipc_idle: "time",
  /** A time, such as 30s or 5d. See postconf(5). */
  ipc_timeout: "time",
  /** A time, such as 30s or 5d; Postfix 2.1 and later. See postconf(5). */
  ipc_ttl: "time",
  /** Text; Postfix 3.6 and later. See postconf(5). */
  known_tcp_ports: "text",
  /** A number. See postconf(5). */
  line_length_limit: "number",
  /** A number; Postfix 2.11 and later. See postconf(5). */
  lmdb_map_size: "number",
  /** Text; Postfix 2.8 and later. See postconf(5). */
  lmtp_address_preference: "text",
  /** Text; Postfix 3.0 and later. See postconf(5). */
  lmtp_address_verify_target: "text",
  /** Yes or no. See postconf(5). */
  lmtp_assume_final: "boolean",
  /** Yes or no; Postfix 3.3 and later. See postconf(5). */
  lmtp_balance_inet_protocols: "boolean",
  /** Text; Postfix 2.3 and later. See postconf(5). */
  lmtp_bind_address: "text",
  /** Text; Postfix 2.3 and later. See postconf(5). */
  lmtp_bind_address6: "text",
  /** Yes or no; Postfix 3.7 and later. See postconf(5). */
  lmtp_bind_address_enforce: "boolean",
  /** Text; Postfix 2.5 and later. See postconf(5). */
  lmtp_body_checks: "text",
  /** Yes or no; Postfix 2.2 and later. See postconf(5). */
  lmtp_cache_connection: "boolean",
  /** Yes or no; Postfix 2.3 and later. See postconf(5). */
  lmtp_cname_overrides_servername: "boolean",
  /** A time, such as 30s or 5d. See postconf(5). */
  lmtp_connect_timeout: "time",
  /** Text; Postfix 2.3 and later. See postconf(5). */
  lmtp_connection_cache_destinations: "text",
  /** Yes or no; Postfix 2.3 and later. See postconf(5). */
  lmtp_connection_cache_on_demand: "boolean",
  /** A time, such as 30s or 5d; Postfix 2.3 and later. See postconf(5). */
  lmtp_connection_cache_time_limit: "time",
  /** A number; Postfix 2.11 and later. See postconf(5). */
  lmtp_connection_reuse_count_limit: "number",
  /** A time, such as 30s or 5d; Postfix 2.3 and later. See postconf(5). */
  lmtp_connection_reuse_time_limit: "time",
  /** A time, such as 30s or 5d. See postconf(5). */
  lmtp_data_done_timeout: "time",
  /** A time, such as 30s or 5d. See postconf(5). */
  lmtp_data_init_timeout: "time",
  /** A time, such as 30s or 5d. See postconf(5). */
  lmtp_data_xfer_timeout: "time",
  /** Yes or no; Postfix 2.3 and later. See postconf(5). */
  lmtp_defer_if_no_mx_address_found: "boolean",
  /** Text; Postfix 3.0 and later. See postconf(5). */
  lmtp_delivery_status_filter: "text",
  /** A number. See postconf(5). */
  lmtp_destination_concurrency_limit: "number",
  /** A number. See postconf(5). */
  lmtp_destination_recipient_limit: "number",
  /** Text; Postfix 2.3 and later. See postconf(5). */
  lmtp_discard_lhlo_keyword_address_maps: "text",
  /** Text; Postfix 2.3 and later. See postconf(5). */
  lmtp_discard_lhlo_keywords: "text",
  /** Text; Postfix 3.0 and later. See postconf(5). */
  lmtp_dns_reply_filter: "text",
  /** Text; Postfix 2.8 and later. See postconf(5). */
  lmtp_dns_resolver_options: "text",
  /** Text; Postfix 2.11 and later. See postconf(5). */
  lmtp_dns_support_level: "text",
  /** Yes or no; Postfix 2.3 and later. See postconf(5). */
  lmtp_enforce_tls: "boolean",
  /** Text; Postfix 3.1 and later. See postconf(5). */
  lmtp_fallback_relay: "text",
  /** Text; Postfix 2.3 and later. See postconf(5). */
  lmtp_generic_maps: "text",
  /** Text; Postfix 2.5 and later. See postconf(5). */
  lmtp_header_checks: "text",
  /** Text; Postfix 2.3 and later. See postconf(5). */
  lmtp_host_lookup: "text",
  /** Text; Postfix 2.3 and later. See postconf(5). */
  lmtp_lhlo_name: "text",
  /** A time, such as 30s or 5d. See postconf(5). */
  lmtp_lhlo_timeout: "time",
  /** A number; Postfix 2.3 and later. See postconf(5). */
  lmtp_line_length_limit: "number",
  /** A time, such as 30s or 5d. See postconf(5). */
  lmtp_mail_timeout: "time",
  /** Text; Postfix 2.5 and later. See postconf(5). */
  lmtp_mime_header_checks: "text",
  /** A number; Postfix 3.7 and later. See postconf(5). */
  lmtp_min_data_rate: "number",
  /** A number; Postfix 2.3 and later. See postconf(5). */
  lmtp_mx_address_limit: "number",
  /** A number; Postfix 2.3 and later. See postconf(5). */
  lmtp_mx_session_limit: "number",
  /** Text; Postfix 2.5 and later. See postconf(5). */
  lmtp_nested_header_checks: "text",
  /** Yes or no; Postfix 2.9 and later. See postconf(5). */
  lmtp_per_record_deadline: "boolean",
  /** Yes or no; Postfix 3.7 and later. See postconf(5). */
  lmtp_per_request_deadline: "boolean",
  /** A time, such as 30s or 5d; Postfix 2.3 and later. See postconf(5). */
  lmtp_pix_workaround_delay_time: "time",
  /** Text; Postfix 2.4 and later. See postconf(5). */
  lmtp_pix_workaround_maps: "text",
  /** A time, such as 30s or 5d; Postfix 2.3 and later. See postconf(5). */
  lmtp_pix_workaround_threshold_time: "time",
  /** Text; Postfix 2.4 and later. See postconf(5). */
  lmtp_pix_workarounds: "text",
  /** A time, such as 30s or 5d. See postconf(5). */
  lmtp_quit_timeout: "time",
  /** Yes or no; Postfix 2.3 and later. See postconf(5). */
  lmtp_quote_rfc821_envelope: "boolean",
  /** Yes or no; Postfix 2.3 and later. See postconf(5). */
  lmtp_randomize_addresses: "boolean",
  /** A time, such as 30s or 5d. See postconf(5). */
  lmtp_rcpt_timeout: "time",
  /** Text; Postfix 2.7 and later. See postconf(5). */
  lmtp_reply_filter: "text",
  /** A time, such as 30s or 5d. See postconf(5). */
  lmtp_rset_timeout: "time",
  /** Text; Postfix 2.5 and later. See postconf(5). */
  lmtp_sasl_auth_cache_name: "text",
  /** A time, such as 30s or 5d; Postfix 2.5 and later. See postconf(5). */
  lmtp_sasl_auth_cache_time: "time",
  /** Yes or no. See postconf(5). */
  lmtp_sasl_auth_enable: "boolean",
  /** Yes or no; Postfix 2.5 and later. See postconf(5). */
  lmtp_sasl_auth_soft_bounce: "boolean",
  /** Text; Postfix 2.3 and later. See postconf(5). */
  lmtp_sasl_mechanism_filter: "text",
  /** Text. See postconf(5). */
  lmtp_sasl_password_maps: "text",
  /** Text. See postconf(5). */
  lmtp_sasl_password_result_delimiter: "text",
  /** Text; Postfix 2.3 and later. See postconf(5). */
  lmtp_sasl_path: "text",
  /** Text. See postconf(5). */
  lmtp_sasl_security_options: "text",
  /** Text; Postfix 2.3 and later. See postconf(5). */
  lmtp_sasl_tls_security_options: "text",
  /** Text; Postfix 2.3 and later. See postconf(5). */
  lmtp_sasl_tls_verified_security_options: "text",
  /** Text; Postfix 2.3 and later. See postconf(5). */
  lmtp_sasl_type: "text",
  /** Yes or no; Postfix 2.9 and later. See postconf(5). */
  lmtp_send_dummy_mail_auth: "boolean",
  /** Yes or no; Postfix 2.1 and later. See postconf(5). */
  lmtp_send_xforward_command: "boolean",
  /** Yes or no; Postfix 2.3 and later. See postconf(5). */
  lmtp_sender_dependent_authentication: "boolean",
  /** Yes or no; Postfix 2.3 and later. See postconf(5). */
  lmtp_skip_5xx_greeting: "boolean",
  /** Yes or no. See postconf(5). */
  lmtp_skip_quit_response: "boolean",
  /** A time, such as 30s or 5d; Postfix 2.3 and later. See postconf(5). */
  lmtp_starttls_timeout: "time",
  /** Text. See postconf(5). */
  lmtp_tcp_port: "text",
  /** Text; Postfix 2.3 and later. See postconf(5). */
  lmtp_tls_CAfile: "text",
  /** Text; Postfix 2.3 and later. See postconf(5). */
  lmtp_tls_CApath: "text",
  /** Yes or no; Postfix 2.7 and later. See postconf(5). */
  lmtp_tls_block_early_mail_reply: "boolean",
  /** Text; Postfix 2.3 and later. See postconf(5). */
  lmtp_tls_cert_file: "text",
  /** Text; Postfix 3.4 and later. See postconf(5). */
  lmtp_tls_chain_files: "text",
  /** Text; Postfix 2.6 and later. See postconf(5). */
  lmtp_tls_ciphers: "text",
  /** Yes or no; Postfix 3.4 and later. See postconf(5). */
  lmtp_tls_connection_reuse: "boolean",
  /** Text; Postfix 2.3 and later. See postconf(5). */
  lmtp_tls_dcert_file: "text",
  /** Text; Postfix 2.3 and later. See postconf(5). */
  lmtp_tls_dkey_file: "text",
  /** Text; Postfix 2.6 and later. See postconf(5). */
  lmtp_tls_eccert_file: "text",
  /** Text; Postfix 2.6 and later. See postconf(5). */
  lmtp_tls_eckey_file: "text",
  /** Yes or no; Postfix 3.9 and later. See postconf(5). */
  lmtp_tls_enable_rpk: "boolean",
  /** Yes or no; Postfix 2.3 and later. See postconf(5). */
  lmtp_tls_enforce_peername: "boolean",
  /** Yes or no. See postconf(5). */
  lmtp_tls_enforce_sts_mx_patterns: "boolean",
  /** Text; Postfix 2.3 and later. See postconf(5). */
  lmtp_tls_exclude_ciphers: "text",
  /** Text; Postfix 2.5 and later. See postconf(5). */
  lmtp_tls_fingerprint_cert_match: "text",
  /** Text; Postfix 2.5 and later. See postconf(5). */
  lmtp_tls_fingerprint_digest: "text",
  /** Yes or no; Postfix 2.11 and later. See postconf(5). */
  lmtp_tls_force_insecure_host_tlsa_lookup: "boolean",
  /** Text; Postfix 2.3 and later. See postconf(5). */
  lmtp_tls_key_file: "text",
  /** Text; Postfix 2.3 and later. See postconf(5). */
  lmtp_tls_loglevel: "text",
  /** Text; Postfix 2.3 and later. See postconf(5). */
  lmtp_tls_mandatory_ciphers: "text",
  /** Text; Postfix 2.3 and later. See postconf(5). */
  lmtp_tls_mandatory_exclude_ciphers: "text",
  /** Text; Postfix 2.3 and later. See postconf(5). */
  lmtp_tls_mandatory_protocols: "text",
  /** Yes or no; Postfix 2.3 and later. See postconf(5). */
  lmtp_tls_note_starttls_offer: "boolean",
  /** Text; Postfix 2.3 and later. See postconf(5). */
  lmtp_tls_per_site: "text",
  /** Text; Postfix 2.3 and later. See postconf(5). */
  lmtp_tls_policy_maps: "text",
  /** Text; Postfix 2.6 and later. See postconf(5). */
  lmtp_tls_protocols: "text",
  /** A number; Postfix 2.3 and later. See postconf(5). */
  lmtp_tls_scert_verifydepth: "number",
  /** Text; Postfix 2.3 and later. See postconf(5). */
  lmtp_tls_secure_cert_match: "text",
  /** Text; Postfix 2.3 and later. See postconf(5). */
  lmtp_tls_security_level: "text",
  /** Text; Postfix 3.4 and later. See postconf(5). */
  lmtp_tls_servername: "text",
  /** Text; Postfix 2.3 and later. See postconf(5). */
  lmtp_tls_session_cache_database: "text",
  /** A time, such as 30s or 5d; Postfix 2.3 and later. See postconf(5). */
  lmtp_tls_session_cache_timeout: "time",
  /** Text; Postfix 2.11 and later. See postconf(5). */
  lmtp_tls_trust_anchor_file: "text",
  /** Text; Postfix 2.3 and later. See postconf(5). */
  lmtp_tls_verify_cert_match: "text",
  /** Yes or no; Postfix 3.0 and later. See postconf(5). */
  lmtp_tls_wrappermode: "boolean",
  /** Yes or no. See postconf(5). */
  lmtp_tlsrpt_enable: "boolean",
  /** Yes or no. See postconf(5). */
  lmtp_tlsrpt_skip_reused_handshakes: "boolean",
  /** Text. See postconf(5). */
  lmtp_tlsrpt_socket_name: "text",
  /** Yes or no; Postfix 2.3 and later. See postconf(5). */
  lmtp_use_tls: "boolean",
  /** A time, such as 30s or 5d; Postfix 2.1 and later. See postconf(5). */
  lmtp_xforward_timeout: "time",
  /** Text. See postconf(5). */
  local_command_shell: "text",
  /** Text; Postfix 3.0 and later. See postconf(5). */
  local_delivery_status_filter: "text",
  /** A number. See postconf(5). */
  local_destination_concurrency_limit: "number",
  /** A number. See postconf(5). */
  local_destination_recipient_limit: "number",
  /** Text. See postconf(5). */
  local_header_rewrite_clients: "text",
  /** Text; Postfix 3.6 and later. See postconf(5). */
  local_login_sender_maps: "text",
  /** Text. See postconf(5). */
  local_recipient_maps: "text",
  /** Text. See postconf(5). */
  local_transport: "text",
  /** Text. See postconf(5). */
  luser_relay: "text",
  /** Text. See postconf(5). */
  mail_name: "text",
  /** Text. See postconf(5). */
  mail_owner: "text",
  /** Text. See postconf(5). */
  mail_release_date: "text",
  /** Text. See postconf(5). */
  mail_spool_directory: "text",
  /** Text. See postconf(5). */
  mail_version: "text",
  /** Text; Postfix 2.2 and later. See postconf(5). */
  mailbox_command: "text",
  /** Text. See postconf(5). */
  mailbox_command_maps: "text",
  /** Text. See postconf(5). */
  mailbox_delivery_lock: "text",
  /** A number. See postconf(5). */
  mailbox_size_limit: "number",
  /** Text. See postconf(5). */
  mailbox_transport: "text",
  /** Text; Postfix 2.3 and later. See postconf(5). */
  mailbox_transport_maps: "text",
  /** Text; Postfix 3.4 and later. See postconf(5). */
  maillog_file: "text",
  /** Text; Postfix 3.4 and later. See postconf(5). */
  maillog_file_compressor: "text",
  /** Text; Postfix 3.9 and later. See postconf(5). */
  maillog_file_permissions: "text",
  /** Text; Postfix 3.4 and later. See postconf(5). */
  maillog_file_prefixes: "text",
  /** Text; Postfix 3.4 and later. See postconf(5). */
  maillog_file_rotate_suffix: "text",
  /** Text. See postconf(5). */
  mailq_path: "text",
  /** Text. See postconf(5). */
  manpage_directory: "text",
  /** Text. See postconf(5). */
  maps_rbl_domains: "text",
  /** A number. See postconf(5). */
  maps_rbl_reject_code: "number",
  /** Text. See postconf(5). */
  masquerade_classes: "text",
  /** Text. See postconf(5). */
  masquerade_domains: "text",
  /** Text. See postconf(5). */
  masquerade_exceptions: "text",
  /** Text; Postfix 2.6 and later. See postconf(5). */
  master_service_disable: "text",
  /** A time, such as 30s or 5d. See postconf(5). */
  max_idle: "time",
  /** A number. See postconf(5). */
  max_use: "number",
  /** A time, such as 30s or 5d. See postconf(5). */
  maximal_backoff_time: "time",
  /** A time, such as 30s or 5d. See postconf(5). */
  maximal_queue_lifetime: "time",
  /** Text; Postfix 3.0 and later. See postconf(5). */
  message_drop_headers: "text",
  /** Text; Postfix 2.3 and later. See postconf(5). */
  message_reject_characters: "text",
  /** A number. See postconf(5). */
  message_size_limit: "number",
  /** Text; Postfix 2.3 and later. See postconf(5). */
  message_strip_characters: "text",
  /** Text; Postfix 3.0 and later. See postconf(5). */
  meta_directory: "text",
  /** A time, such as 30s or 5d; Postfix 2.3 and later. See postconf(5). */
  milter_command_timeout: "time",
  /** Text; Postfix 2.3 and later. See postconf(5). */
  milter_connect_macros: "text",
  /** A time, such as 30s or 5d; Postfix 2.3 and later. See postconf(5). */
  milter_connect_timeout: "time",
  /** A time, such as 30s or 5d; Postfix 2.3 and later. See postconf(5). */
  milter_content_timeout: "time",
  /** Text; Postfix 2.3 and later. See postconf(5). */
  milter_data_macros: "text",
  /** Text; Postfix 2.3 and later. See postconf(5). */
  milter_default_action: "text",
  /** Text; Postfix 2.3 and later. See postconf(5). */
  milter_end_of_data_macros: "text",
  /** Text; Postfix 2.5 and later. See postconf(5). */
  milter_end_of_header_macros: "text",
  /** Text; Postfix 2.7 and later. See postconf(5). */
  milter_header_checks: "text",
  /** Text; Postfix 2.3 and later. See postconf(5). */
  milter_helo_macros: "text",
  /** Text; Postfix 2.3 and later. See postconf(5). */
  milter_macro_daemon_name: "text",
  /** Text; Postfix 3.1 and later. See postconf(5). */
  milter_macro_defaults: "text",
  /** Text; Postfix 2.3 and later. See postconf(5). */
  milter_macro_v: "text",
  /** Text; Postfix 2.3 and later. See postconf(5). */
  milter_mail_macros: "text",
  /** Text; Postfix 2.3 and later. See postconf(5). */
  milter_protocol: "text",
  /** Text; Postfix 2.3 and later. See postconf(5). */
  milter_rcpt_macros: "text",
  /** Text; Postfix 2.3 and later. See postconf(5). */
  milter_unknown_command_macros: "text",
  /** A number; Postfix 2.0 and later. See postconf(5). */
  mime_boundary_length_limit: "number",
  /** Text; Postfix 2.0 and later. See postconf(5). */
  mime_header_checks: "text",
  /** A number; Postfix 2.0 and later. See postconf(5). */
  mime_nesting_limit: "number",
  /** A time, such as 30s or 5d. See postconf(5). */
  minimal_backoff_time: "time",
  /** Text; Postfix 2.6 and later. See postconf(5). */
  multi_instance_directories: "text",
  /** Yes or no; Postfix 2.6 and later. See postconf(5). */
  multi_instance_enable: "boolean",
  /** Text; Postfix 2.6 and later. See postconf(5). */
  multi_instance_group: "text",
  /** Text; Postfix 2.6 and later. See postconf(5). */
  multi_instance_name: "text",
  /** Text; Postfix 2.6 and later. See postconf(5). */
  multi_instance_wrapper: "text",
  /** A number; Postfix 2.1 and later. See postconf(5). */
  multi_recipient_bounce_reject_code: "number",
  /** Text. See postconf(5). */
  mydestination: "text",
  /** Text. See postconf(5). */
  mydomain: "text",
  /** Text. See postconf(5). */
  myhostname: "text",
  /** Text. See postconf(5). */
  mynetworks: "text",
  /** Text. See postconf(5). */
  mynetworks_style: "text",
  /** Text. See postconf(5). */
  myorigin: "text",
  /** Text; Postfix 2.0 and later. See postconf(5). */
  nested_header_checks: "text",
  /** Text. See postconf(5). */
  newaliases_path: "text",
  /** A number. See postconf(5). */
  non_fqdn_reject_code: "number",
  /** Text; Postfix 2.3 and later. See postconf(5). */
  non_smtpd_milters: "text",
  /** Text; Postfix 2.9 and later. See postconf(5). */
  notify_classes: "text",
  /** Text; Postfix 3.1 and later. See postconf(5). */
  openssl_path: "text",
  /** Yes or no. See postconf(5). */
  owner_request_special: "boolean",
  /** Text. See postconf(5). */
  parent_domain_matches_subdomains: "text",
  /** Text. See postconf(5). */
  permit_mx_backup_networks: "text",
  /** Text; Postfix 2.0 and later. See postconf(5). */
  pickup_service_name: "text",
  /** Text; Postfix 3.0 and later. See postconf(5). */
  pipe_delivery_status_filter: "text",
  /** A number; Postfix 2.3 and later. See postconf(5). */
  plaintext_reject_code: "number",
  /** Text; Postfix 3.4 and later. See postconf(5). */
  postlog_service_name: "text",
  /** A time, such as 30s or 5d; Postfix 3.4 and later. See postconf(5). */
  postlogd_watchdog_timeout: "time",
  /** Text; Postfix 2.6 and later. See postconf(5). */
  postmulti_control_commands: "text",
  /** Text; Postfix 2.6 and later. See postconf(5). */
  postmulti_start_commands: "text",
  /** Text; Postfix 2.6 and later. See postconf(5). */
  postmulti_stop_commands: "text",
  /** Text; Postfix 2.8 and later. See postconf(5). */
  postscreen_access_list: "text",
  /** Text; Postfix 3.6 and later. See postconf(5). */
  postscreen_allowlist_interfaces: "text",
  /** Text; Postfix 2.8 and later. See postconf(5). */
  postscreen_bare_newline_action: "text",
  /** Yes or no; Postfix 2.8 and later. See postconf(5). */
  postscreen_bare_newline_enable: "boolean",
  /** A time, such as 30s or 5d; Postfix 2.8 and later. See postconf(5). */
  postscreen_bare_newline_ttl: "time",
  /** Text; Postfix 2.8 and later. See postconf(5). */
  postscreen_blacklist_action: "text",
  /** A time, such as 30s or 5d; Postfix 2.8 and later. See postconf(5). */
  postscreen_cache_cleanup_interval: "time",
  /** Text; Postfix 2.8 and later. See postconf(5). */
  postscreen_cache_map: "text",
  /** A time, such as 30s or 5d; Postfix 2.8 and later. See postconf(5). */
  postscreen_cache_retention_time: "time",
  /** A number; Postfix 2.8 and later. See postconf(5). */
  postscreen_client_connection_count_limit: "number",
  /** A number; Postfix 2.8 and later. See postconf(5). */
  postscreen_command_count_limit: "number",
  /** Text; Postfix 2.8 and later. See postconf(5). */
  postscreen_command_filter: "text",
  /** A time, such as 30s or 5d; Postfix 2.8 and later. See postconf(5). */
  postscreen_command_time_limit: "time",
  /** Text; Postfix 3.6 and later. See postconf(5). */
  postscreen_denylist_action: "text",
  /** Yes or no; Postfix 2.8 and later. See postconf(5). */
  postscreen_disable_vrfy_command: "boolean",
  /** Text; Postfix 2.8 and later. See postconf(5). */
  postscreen_discard_ehlo_keyword_address_maps: "text",
  /** Text; Postfix 2.8 and later. See postconf(5). */
  postscreen_discard_ehlo_keywords: "text",
  /** Text; Postfix 2.8 and later. See postconf(5). */
  postscreen_dnsbl_action: "text",
  /** A number; Postfix 3.6 and later. See postconf(5). */
  postscreen_dnsbl_allowlist_threshold: "number",
  /** A time, such as 30s or 5d; Postfix 3.1 and later. See postconf(5). */
  postscreen_dnsbl_max_ttl: "time",
  /** A time, such as 30s or 5d; Postfix 3.1 and later. See postconf(5). */
  postscreen_dnsbl_min_ttl: "time",
  /** Text; Postfix 2.8 and later. See postconf(5). */
  postscreen_dnsbl_reply_map: "text",
  /** Text; Postfix 2.8 and later. See postconf(5). */
  postscreen_dnsbl_sites: "text",
  /** A number; Postfix 2.8 and later. See postconf(5). */
  postscreen_dnsbl_threshold: "number",
  /** A time, such as 30s or 5d; Postfix 3.0 and later. See postconf(5). */
  postscreen_dnsbl_timeout: "time",
  /** A time, such as 30s or 5d; Postfix 2.8 and later. See postconf(5). */
  postscreen_dnsbl_ttl: "time",
  /** A number; Postfix 2.11 and later. See postconf(5). */
  postscreen_dnsbl_whitelist_threshold: "number",
  /** Yes or no; Postfix 2.8 and later. See postconf(5). */
  postscreen_enforce_tls: "boolean",
  /** Text; Postfix 2.8 and later. See postconf(5). */
  postscreen_expansion_filter: "text",
  /** Text; Postfix 2.8 and later. See postconf(5). */
  postscreen_forbidden_commands: "text",
  /** Text; Postfix 2.8 and later. See postconf(5). */
  postscreen_greet_action: "text",
  /** Text; Postfix 2.8 and later. See postconf(5). */
  postscreen_greet_banner: "text",
  /** A time, such as 30s or 5d; Postfix 2.8 and later. See postconf(5). */
  postscreen_greet_ttl: "time",
  /** A time, such as 30s or 5d; Postfix 2.8 and later. See postconf(5). */
  postscreen_greet_wait: "time",
  /** Yes or no; Postfix 2.8 and later. See postconf(5). */
  postscreen_helo_required: "boolean",
  /** Text; Postfix 2.8 and later. See postconf(5). */
  postscreen_non_smtp_command_action: "text",
  /** Yes or no; Postfix 2.8 and later. See postconf(5). */
  postscreen_non_smtp_command_enable: "boolean",
  /** A time, such as 30s or 5d; Postfix 2.8 and later. See postconf(5). */
  postscreen_non_smtp_command_ttl: "time",
  /** Text; Postfix 2.8 and later. See postconf(5). */
  postscreen_pipelining_action: "text",
  /** Yes or no; Postfix 2.8 and later. See postconf(5). */
  postscreen_pipelining_enable: "boolean",
  /** A time, such as 30s or 5d; Postfix 2.8 and later. See postconf(5). */
  postscreen_pipelining_ttl: "time",
  /** A number; Postfix 2.8 and later. See postconf(5). */
  postscreen_post_queue_limit: "number",
  /** A number; Postfix 2.8 and later. See postconf(5). */
  postscreen_pre_queue_limit: "number",
  /** Text; Postfix 2.8 and later. See postconf(5). */
  postscreen_reject_footer: "text",
  /** Text; Postfix 3.4 and later. See postconf(5). */
  postscreen_reject_footer_maps: "text",
  /** Text; Postfix 2.8 and later. See postconf(5). */
  postscreen_tls_security_level: "text",
  /** Text; Postfix 2.10 and later. See postconf(5). */
  postscreen_upstream_proxy_protocol: "text",
  /** A time, such as 30s or 5d; Postfix 2.10 and later. See postconf(5). */
  postscreen_upstream_proxy_timeout: "time",
  /** Yes or no; Postfix 2.8 and later. See postconf(5). */
  postscreen_use_tls: "boolean",
  /** A time, such as 30s or 5d; Postfix 2.8 and later. See postconf(5). */
  postscreen_watchdog_timeout: "time",
  /** Text; Postfix 2.9 and later. See postconf(5). */
  postscreen_whitelist_interfaces: "text",
  /** Text. See postconf(5). */
  prepend_delivered_header: "text",
  /** Text. See postconf(5). */
  process_id: "text",
  /** Text. See postconf(5). */
  process_id_directory: "text",
  /** Text. See postconf(5). */
  process_name: "text",
  /** Text. See postconf(5). */
  propagate_unmatched_extensions: "text",
  /** Text; Postfix 2.0 and later. See postconf(5). */
  proxy_interfaces: "text",
  /** Text; Postfix 2.0 and later. See postconf(5). */
  proxy_read_maps: "text",
  /** Text; Postfix 2.5 and later. See postconf(5). */
  proxy_write_maps: "text",
  /** Text; Postfix 2.6 and later. See postconf(5). */
  proxymap_service_name: "text",
  /** Text; Postfix 2.6 and later. See postconf(5). */
  proxywrite_service_name: "text",
  /** A time, such as 30s or 5d; Postfix 2.0 and later. See postconf(5). */
  qmgr_clog_warn_time: "time",
  /** A time, such as 30s or 5d; Postfix 2.8 and later. See postconf(5). */
  qmgr_daemon_timeout: "time",
  /** A number. See postconf(5). */
  qmgr_fudge_factor: "number",
  /** A time, such as 30s or 5d; Postfix 2.8 and later. See postconf(5). */
  qmgr_ipc_timeout: "time",
  /** A number. See postconf(5). */
  qmgr_message_active_limit: "number",
  /** A number. See postconf(5). */
  qmgr_message_recipient_limit: "number",
  /** A number. See postconf(5). */
  qmgr_message_recipient_minimum: "number",
  /** Text. See postconf(5). */
  qmqpd_authorized_clients: "text",
  /** Yes or no; Postfix 2.5 and later. See postconf(5). */
  qmqpd_client_port_logging: "boolean",
  /** A time, such as 30s or 5d. See postconf(5). */
  qmqpd_error_delay: "time",
  /** A time, such as 30s or 5d. See postconf(5). */
  qmqpd_timeout: "time",
  /** Text. See postconf(5). */
  queue_directory: "text",
  /** A number; Postfix 2.0 and later. See postconf(5). */
  queue_file_attribute_count_limit: "number",
  /** A number. See postconf(5). */
  queue_minfree: "number",
  /** A time, such as 30s or 5d. See postconf(5). */
  queue_run_delay: "time",
  /** Text; Postfix 2.0 and later. See postconf(5). */
  queue_service_name: "text",
  /** Text; Postfix 2.0 and later. See postconf(5). */
  rbl_reply_maps: "text",
  /** Text. See postconf(5). */
  readme_directory: "text",
  /** Text; Postfix 2.1 and later. See postconf(5). */
  receive_override_options: "text",
  /** Text; Postfix 2.1 and later. See postconf(5). */
  recipient_bcc_maps: "text",
  /** Text; Postfix 2.2 and later. See postconf(5). */
  recipient_canonical_classes: "text",
  /** Text. See postconf(5). */
  recipient_canonical_maps: "text",
  /** Text. See postconf(5). */
  recipient_delimiter: "text",
  /** A number. See postconf(5). */
  reject_code: "number",
  /** Text; Postfix 2.6 and later. See postconf(5). */
  reject_tempfail_action: "text",
  /** Text; Postfix 2.2 and later. See postconf(5). */
  relay_clientcerts: "text",
  /** A number; Postfix 2.0 and later. See postconf(5). */
  relay_destination_concurrency_limit: "number",
  /** A number; Postfix 2.0 and later. See postconf(5). */
  relay_destination_recipient_limit: "number",
  /** Text. See postconf(5). */
  relay_domains: "text",
  /** A number. See postconf(5). */
  relay_domains_reject_code: "number",
  /** Text; Postfix 2.0 and later. See postconf(5). */
  relay_recipient_maps: "text",
  /** Text; Postfix 2.0 and later. See postconf(5). */
  relay_transport: "text",
  /** Text. See postconf(5). */
  relayhost: "text",
  /** Text. See postconf(5). */
  relocated_maps: "text",
  /** Text. See postconf(5). */
  remote_header_rewrite_domain: "text",
  /** Yes or no. See postconf(5). */
  require_home_directory: "boolean",
  /** Yes or no; Postfix 2.8 and later. See postconf(5). */
  reset_owner_alias: "boolean",
  /** Yes or no. See postconf(5). */
  resolve_dequoted_address: "boolean",
  /** Yes or no; Postfix 2.1 and later. See postconf(5). */
  resolve_null_domain: "boolean",
  /** Yes or no; Postfix 2.3 and later. See postconf(5). */
  resolve_numeric_domain: "boolean",
  /** Yes or no; Postfix 3.6 and later. See postconf(5). */
  respectful_logging: "boolean",
  /** Text; Postfix 2.0 and later. See postconf(5). */
  rewrite_service_name: "text",
  /** Text. See postconf(5). */
  sample_directory: "text",
  /** Yes or no; Postfix 2.4 and later. See postconf(5). */
  send_cyrus_sasl_authzid: "boolean",
  /** Yes or no. See postconf(5). */
  sender_based_routing: "boolean",
  /** Text; Postfix 2.1 and later. See postconf(5). */
  sender_bcc_maps: "text",
  /** Text; Postfix 2.2 and later. See postconf(5). */
  sender_canonical_classes: "text",
  /** Text. See postconf(5). */
  sender_canonical_maps: "text",
  /** Text; Postfix 2.7 and later. See postconf(5). */
  sender_dependent_default_transport_maps: "text",
  /** Text; Postfix 2.3 and later. See postconf(5). */
  sender_dependent_relayhost_maps: "text",
  /** Text; Postfix 2.9 and later. See postconf(5). */
  sendmail_fix_line_endings: "text",
  /** Text. See postconf(5). */
  sendmail_path: "text",
  /** Text; Postfix 3.3 and later. See postconf(5). */
  service_name: "text",
  /** A time, such as 30s or 5d. See postconf(5). */
  service_throttle_time: "time",
  /** Text. See postconf(5). */
  setgid_group: "text",
  /** Text; Postfix 3.0 and later. See postconf(5). */
  shlib_directory: "text",
  /** Yes or no; Postfix 2.0 and later. See postconf(5). */
  show_user_unknown_table_name: "boolean",
  /** Text; Postfix 2.0 and later. See postconf(5). */
  showq_service_name: "text",
  /** Text; Postfix 2.8 and later. See postconf(5). */
  smtp_address_preference: "text",
  /** Text; Postfix 3.0 and later. See postconf(5). */
  smtp_address_verify_target: "text",
  /** Yes or no. See postconf(5). */
  smtp_always_send_ehlo: "boolean",
  /** Yes or no; Postfix 3.3 and later. See postconf(5). */
  smtp_balance_inet_protocols: "boolean",
  /** Text. See postconf(5). */
  smtp_bind_address: "text",
  /** Text; Postfix 2.2 and later. See postconf(5). */
  smtp_bind_address6: "text",
  /** Yes or no; Postfix 3.7 and later. See postconf(5). */
  smtp_bind_address_enforce: "boolean",
  /** Text; Postfix 2.5 and later. See postconf(5). */
  smtp_body_checks: "text",
  /** Yes or no; Postfix 2.2 and later. See postconf(5). */
  smtp_cname_overrides_servername: "boolean",
  /** A time, such as 30s or 5d. See postconf(5). */
  smtp_connect_timeout: "time",
  /** Text; Postfix 2.2 and later. See postconf(5). */
  smtp_connection_cache_destinations: "text",
  /** Yes or no; Postfix 2.2 and later. See postconf(5). */
  smtp_connection_cache_on_demand: "boolean",
  /** A time, such as 30s or 5d; Postfix 2.2 and later. See postconf(5). */
  smtp_connection_cache_time_limit: "time",
  /** A number; Postfix 2.11 and later. See postconf(5). */
  smtp_connection_reuse_count_limit: "number",
  /** A time, such as 30s or 5d; Postfix 2.3 and later. See postconf(5). */
  smtp_connection_reuse_time_limit: "time",
  /** A time, such as 30s or 5d. See postconf(5). */
  smtp_data_done_timeout: "time",
  /** A time, such as 30s or 5d. See postconf(5). */
  smtp_data_init_timeout: "time",
  /** A time, such as 30s or 5d. See postconf(5). */
  smtp_data_xfer_timeout: "time",
  /** Yes or no; Postfix 2.1 and later. See postconf(5). */
  smtp_defer_if_no_mx_address_found: "boolean",
  /** Text. See postconf(5). */
  smtp_delivery_status_filter: "text",
  /** A number. See postconf(5). */
  smtp_destination_concurrency_limit: "number",
  /** A number. See postconf(5). */
  smtp_destination_recipient_limit: "number",
  /** Text; Postfix 2.2 and later. See postconf(5). */
  smtp_discard_ehlo_keyword_address_maps: "text",
  /** Text; Postfix 2.2 and later. See postconf(5). */
  smtp_discard_ehlo_keywords: "text",
  /** Text; Postfix 3.0 and later. See postconf(5). */
  smtp_dns_reply_filter: "text",
  /** Text; Postfix 2.8 and later. See postconf(5). */
  smtp_dns_resolver_options: "text",
  /** Text; Postfix 2.11 and later. See postconf(5). */
  smtp_dns_support_level: "text",
  /** Yes or no; Postfix 2.2 and later. See postconf(5). */
  smtp_enforce_tls: "boolean",
  /** Text. See postconf(5). */
  smtp_fallback_relay: "text",
  /** Text; Postfix 2.2 and later. See postconf(5). */
  smtp_generic_maps: "text",
  /** Text; Postfix 2.5 and later. See postconf(5). */
  smtp_header_checks: "text",
  /** Text; Postfix 2.0 and later. See postconf(5). */
  smtp_helo_name: "text",
  /** A time, such as 30s or 5d. See postconf(5). */
  smtp_helo_timeout: "time",
  /** Text; Postfix 2.1 and later. See postconf(5). */
  smtp_host_lookup: "text",
  /** A number. See postconf(5). */
  smtp_line_length_limit: "number",
  /** A time, such as 30s or 5d. See postconf(5). */
  smtp_mail_timeout: "time",
  /** Text; Postfix 2.5 and later. See postconf(5). */
  smtp_mime_header_checks: "text",
  /** A number; Postfix 3.7 and later. See postconf(5). */
  smtp_min_data_rate: "number",
  /** A number; Postfix 2.1 and later. See postconf(5). */
  smtp_mx_address_limit: "number",
  /** A number; Postfix 2.1 and later. See postconf(5). */
  smtp_mx_session_limit: "number",
  /** Text; Postfix 2.5 and later. See postconf(5). */
  smtp_nested_header_checks: "text",
  /** Yes or no. See postconf(5). */
  smtp_never_send_ehlo: "boolean",
  /** Yes or no; Postfix 2.9 and later. See postconf(5). */
  smtp_per_record_deadline: "boolean",
  /** Yes or no; Postfix 2.9 and later. See postconf(5). */
  smtp_per_request_deadline: "boolean",
  /** A time, such as 30s or 5d. See postconf(5). */
  smtp_pix_workaround_delay_time: "time",
  /** Text; Postfix 2.4 and later. See postconf(5). */
  smtp_pix_workaround_maps: "text",
  /** A time, such as 30s or 5d. See postconf(5). */
  smtp_pix_workaround_threshold_time: "time",
  /** Text; Postfix 2.4 and later. See postconf(5). */
  smtp_pix_workarounds: "text",
  /** A time, such as 30s or 5d. See postconf(5). */
  smtp_quit_timeout: "time",
  /** Yes or no; Postfix 2.1 and later. See postconf(5). */
  smtp_quote_rfc821_envelope: "boolean",
  /** Yes or no. See postconf(5). */
  smtp_randomize_addresses: "boolean",
  /** A time, such as 30s or 5d. See postconf(5). */
  smtp_rcpt_timeout: "time",
  /** Text; Postfix 2.7 and later. See postconf(5). */
  smtp_reply_filter: "text",
  /** A time, such as 30s or 5d; Postfix 2.1 and later. See postconf(5). */
  smtp_rset_timeout: "time",
  /** Text; Postfix 2.5 and later. See postconf(5). */
  smtp_sasl_auth_cache_name: "text",
  /** A time, such as 30s or 5d; Postfix 2.5 and later. See postconf(5). */
  smtp_sasl_auth_cache_time: "time",
  /** Yes or no. See postconf(5). */
  smtp_sasl_auth_enable: "boolean",
  /** Yes or no; Postfix 2.5 and later. See postconf(5). */
  smtp_sasl_auth_soft_bounce: "boolean",
  /** Text; Postfix 2.2 and later. See postconf(5). */
  smtp_sasl_mechanism_filter: "text",
  /** Text. See postconf(5). */
  smtp_sasl_password_maps: "text",
  /** Text; Postfix 3.9 and later. See postconf(5). */
  smtp_sasl_password_result_delimiter: "text",
  /** Text; Postfix 2.3 and later. See postconf(5). */
  smtp_sasl_path: "text",
  /** Text. See postconf(5). */
  smtp_sasl_security_options: "text",
  /** Text; Postfix 2.2 and later. See postconf(5). */
  smtp_sasl_tls_security_options: "text",
  /** Text; Postfix 2.6 and later. See postconf(5). */
  smtp_sasl_tls_verified_security_options: "text",
  /** Text; Postfix 2.3 and later. See postconf(5). */
  smtp_sasl_type: "text",
  /** Yes or no; Postfix 2.9 and later. See postconf(5). */
  smtp_send_dummy_mail_auth: "boolean",
  /** Yes or no; Postfix 2.1 and later. See postconf(5). */
  smtp_send_xforward_command: "boolean",
  /** Yes or no; Postfix 2.3 and later. See postconf(5). */
  smtp_sender_dependent_authentication: "boolean",
  /** Yes or no; Postfix 2.0 and later. See postconf(5). */
  smtp_skip_4xx_greeting: "boolean",
  /** Yes or no. See postconf(5). */
  smtp_skip_5xx_greeting: "boolean",
  /** Yes or no. See postconf(5). */
  smtp_skip_quit_response: "boolean",
  /** A time, such as 30s or 5d; Postfix 2.2 and later. See postconf(5). */
  smtp_starttls_timeout: "time",
  /** Text. See postconf(5). */
  smtp_tcp_port: "text",
  /** Text; Postfix 2.2 and later. See postconf(5). */
  smtp_tls_CAfile: "text",
  /** Text; Postfix 2.2 and later. See postconf(5). */
  smtp_tls_CApath: "text",
  /** Yes or no; Postfix 2.7 and later. See postconf(5). */
  smtp_tls_block_early_mail_reply: "boolean",
  /** Text; Postfix 2.2 and later. See postconf(5). */
  smtp_tls_cert_file: "text",
  /** Text; Postfix 3.4 and later. See postconf(5). */
  smtp_tls_chain_files: "text",
  /** Text; Postfix 2.2 and later. See postconf(5). */
  smtp_tls_cipherlist: "text",
  /** Text; Postfix 2.6 and later. See postconf(5). */
  smtp_tls_ciphers: "text",
  /** Yes or no; Postfix 3.4 and later. See postconf(5). */
  smtp_tls_connection_reuse: "boolean",
  /** Text; Postfix 3.1 and later. See postconf(5). */
  smtp_tls_dane_insecure_mx_policy: "text",
  /** Text; Postfix 2.2 and later. See postconf(5). */
  smtp_tls_dcert_file: "text",
  /** Text; Postfix 2.2 and later. See postconf(5). */
  smtp_tls_dkey_file: "text",
  /** Text; Postfix 2.6 and later. See postconf(5). */
  smtp_tls_eccert_file: "text",
  /** Text; Postfix 2.6 and later. See postconf(5). */
  smtp_tls_eckey_file: "text",
  /** Yes or no; Postfix 3.9 and later. See postconf(5). */
  smtp_tls_enable_rpk: "boolean",
  /** Yes or no; Postfix 2.2 and later. See postconf(5). */
  smtp_tls_enforce_peername: "boolean",
  /** Yes or no; Postfix 3.10 and later. See postconf(5). */
  smtp_tls_enforce_sts_mx_patterns: "boolean",
  /** Text; Postfix 2.3 and later. See postconf(5). */
  smtp_tls_exclude_ciphers: "text",
  /** Text; Postfix 2.5 and later. See postconf(5). */
  smtp_tls_fingerprint_cert_match: "text",
  /** Text; Postfix 2.5 and later. See postconf(5). */
  smtp_tls_fingerprint_digest: "text",
  /** Yes or no; Postfix 2.11 and later. See postconf(5). */
  smtp_tls_force_insecure_host_tlsa_lookup: "boolean",
  /** Text; Postfix 2.2 and later. See postconf(5). */
  smtp_tls_key_file: "text",
  /** Text; Postfix 2.2 and later. See postconf(5). */
  smtp_tls_loglevel: "text",
  /** Text; Postfix 2.3 and later. See postconf(5). */
  smtp_tls_mandatory_ciphers: "text",
  /** Text; Postfix 2.3 and later. See postconf(5). */
  smtp_tls_mandatory_exclude_ciphers: "text",
  /** Text; Postfix 2.3 and later. See postconf(5). */
  smtp_tls_mandatory_protocols: "text",
  /** Yes or no; Postfix 2.2 and later. See postconf(5). */
  smtp_tls_note_starttls_offer: "boolean",
  /** Text; Postfix 2.2 and later. See postconf(5). */
  smtp_tls_per_site: "text",
  /** Text; Postfix 2.3 and later. See postconf(5). */
  smtp_tls_policy_maps: "text",
  /** Text; Postfix 2.6 and later. See postconf(5). */
  smtp_tls_protocols: "text",
  /** A number; Postfix 2.2 and later. See postconf(5). */
  smtp_tls_scert_verifydepth: "number",
  /** Text; Postfix 2.3 and later. See postconf(5). */
  smtp_tls_secure_cert_match: "text",
  /** Text; Postfix 2.3 and later. See postconf(5). */
  smtp_tls_security_level: "text",
  /** Text; Postfix 3.4 and later. See postconf(5). */
  smtp_tls_servername: "text",
  /** Text; Postfix 2.2 and later. See postconf(5). */
  smtp_tls_session_cache_database: "text",
  /** A time, such as 30s or 5d; Postfix 2.2 and later. See postconf(5). */
  smtp_tls_session_cache_timeout: "time",
  /** Text; Postfix 2.11 and later. See postconf(5). */
  smtp_tls_trust_anchor_file: "text",
  /** Text; Postfix 2.3 and later. See postconf(5). */
  smtp_tls_verify_cert_match: "text",
  /** Yes or no; Postfix 3.0 and later. See postconf(5). */
  smtp_tls_wrappermode: "boolean",
  /** Yes or no; Postfix 3.10 and later. See postconf(5). */
  smtp_tlsrpt_enable: "boolean",
  /** Yes or no; Postfix 3.10 and later. See postconf(5). */
  smtp_tlsrpt_skip_reused_handshakes: "boolean",
  /** Text; Postfix 3.10 and later. See postconf(5). */
  smtp_tlsrpt_socket_name: "text",
  /** Yes or no; Postfix 2.2 and later. See postconf(5). */
  smtp_use_tls: "boolean",
  /** A time, such as 30s or 5d; Postfix 2.1 and later. See postconf(5). */
  smtp_xforward_timeout: "time",
  /** Text. See postconf(5). */
  smtpd_authorized_verp_clients: "text",
  /** Text; Postfix 2.1 and later. See postconf(5). */
  smtpd_authorized_xclient_hosts: "text",
  /** Text; Postfix 2.1 and later. See postconf(5). */
  smtpd_authorized_xforward_hosts: "text",
  /** Text. See postconf(5). */
  smtpd_banner: "text",
  /** A number; Postfix 3.1 and later. See postconf(5). */
  smtpd_client_auth_rate_limit: "number",
  /** A number; Postfix 2.2 and later. See postconf(5). */
  smtpd_client_connection_count_limit: "number",
  /** A number; Postfix 2.2 and later. See postconf(5). */
  smtpd_client_connection_rate_limit: "number",
  /** Text; Postfix 2.2 and later. See postconf(5). */
  smtpd_client_event_limit_exceptions: "text",
  /** A number; Postfix 3.8 and later. See postconf(5). */
  smtpd_client_ipv4_prefix_length: "number",
  /** A number; Postfix 3.8 and later. See postconf(5). */
  smtpd_client_ipv6_prefix_length: "number",
  /** A number; Postfix 2.2 and later. See postconf(5). */
  smtpd_client_message_rate_limit: "number",
  /** A number; Postfix 2.3 and later. See postconf(5). */
  smtpd_client_new_tls_session_rate_limit: "number",
  /** Yes or no; Postfix 2.5 and later. See postconf(5). */
  smtpd_client_port_logging: "boolean",
  /** A number; Postfix 2.2 and later. See postconf(5). */
  smtpd_client_recipient_rate_limit: "number",
  /** Text; Postfix 2.0 and later. See postconf(5). */
  smtpd_client_restrictions: "text",
  /** Text; Postfix 2.7 and later. See postconf(5). */
  smtpd_command_filter: "text",
  /** Text; Postfix 2.0 and later. See postconf(5). */
  smtpd_data_restrictions: "text",
  /** Yes or no; Postfix 2.3 and later. See postconf(5). */
  smtpd_delay_open_until_valid_rcpt: "boolean",
  /** Yes or no. See postconf(5). */
  smtpd_delay_reject: "boolean",
  /** Text; Postfix 2.2 and later. See postconf(5). */
  smtpd_discard_ehlo_keyword_address_maps: "text",
  /** Text; Postfix 2.2 and later. See postconf(5). */
  smtpd_discard_ehlo_keywords: "text",
  /** Text; Postfix 3.0 and later. See postconf(5). */
  smtpd_dns_reply_filter: "text",
  /** Text; Postfix 2.2 and later. See postconf(5). */
  smtpd_end_of_data_restrictions: "text",
  /** Yes or no; Postfix 2.2 and later. See postconf(5). */
  smtpd_enforce_tls: "boolean",
  /** A time, such as 30s or 5d. See postconf(5). */
  smtpd_error_sleep_time: "time",
  /** Text. See postconf(5). */
  smtpd_etrn_restrictions: "text",
  /** Text; Postfix 2.0 and later. See postconf(5). */
  smtpd_expansion_filter: "text",
  /** Text; Postfix 3.8 and later. See postconf(5). */
  smtpd_forbid_bare_newline: "text",
  /** Text; Postfix 3.9 and later. See postconf(5). */
  smtpd_forbid_bare_newline_exclusions: "text",
  /** A number; Postfix 3.9 and later. See postconf(5). */
  smtpd_forbid_bare_newline_reject_code: "number",
  /** Yes or no; Postfix 3.9 and later. See postconf(5). */
  smtpd_forbid_unauth_pipelining: "boolean",
  /** Text; Postfix 2.2 and later. See postconf(5). */
  smtpd_forbidden_commands: "text",
  /** A number. See postconf(5). */
  smtpd_hard_error_limit: "number",
  /** Yes or no. See postconf(5). */
  smtpd_helo_required: "boolean",
  /** Text; Postfix 2.0 and later. See postconf(5). */
  smtpd_helo_restrictions: "text",
  /** Yes or no; Postfix 3.10 and later. See postconf(5). */
  smtpd_hide_client_session: "boolean",
  /** A number. See postconf(5). */
  smtpd_history_flush_threshold: "number",
  /** A number. See postconf(5). */
  smtpd_junk_command_limit: "number",
  /** Text; Postfix 2.10 and later. See postconf(5). */
  smtpd_log_access_permit_actions: "text",
  /** Text; Postfix 3.2 and later. See postconf(5). */
  smtpd_milter_maps: "text",
  /** Text; Postfix 2.3 and later. See postconf(5). */
  smtpd_milters: "text",
  /** A number; Postfix 3.7 and later. See postconf(5). */
  smtpd_min_data_rate: "number",
  /** Text. See postconf(5). */
  smtpd_noop_commands: "text",
  /** Text. See postconf(5). */
  smtpd_null_access_lookup_key: "text",
  /** Yes or no; Postfix 2.3 and later. See postconf(5). */
  smtpd_peername_lookup: "boolean",
  /** Text; Postfix 2.9 and later. See postconf(5). */
  smtpd_per_record_deadline: "text",
  /** Yes or no; Postfix 2.9 and later. See postconf(5). */
  smtpd_per_request_deadline: "boolean",
  /** Text; Postfix 3.0 and later. See postconf(5). */
  smtpd_policy_service_default_action: "text",
  /** A time, such as 30s or 5d; Postfix 2.1 and later. See postconf(5). */
  smtpd_policy_service_max_idle: "time",
  /** A time, such as 30s or 5d; Postfix 2.1 and later. See postconf(5). */
  smtpd_policy_service_max_ttl: "time",
  /** Text; Postfix 3.1 and later. See postconf(5). */
  smtpd_policy_service_policy_context: "text",
  /** A number; Postfix 3.0 and later. See postconf(5). */
  smtpd_policy_service_request_limit: "number",
  /** A time, such as 30s or 5d; Postfix 3.0 and later. See postconf(5). */
  smtpd_policy_service_retry_delay: "time",
  /** A time, such as 30s or 5d; Postfix 2.1 and later. See postconf(5). */
  smtpd_policy_service_timeout: "time",
  /** A number; Postfix 3.0 and later. See postconf(5). */
  smtpd_policy_service_try_limit: "number",
  /** Text; Postfix 2.1 and later. See postconf(5). */
  smtpd_proxy_ehlo: "text",
  /** Text; Postfix 2.1 and later. See postconf(5). */
  smtpd_proxy_filter: "text",
  /** Text; Postfix 2.7 and later. See postconf(5). */
  smtpd_proxy_options: "text",
  /** A time, such as 30s or 5d; Postfix 2.1 and later. See postconf(5). */
  smtpd_proxy_timeout: "time",
  /** A number. See postconf(5). */
  smtpd_recipient_limit: "number",
  /** A number. See postconf(5). */
  smtpd_recipient_overshoot_limit: "number",
  /** Text; Postfix 2.0 and later. See postconf(5). */
  smtpd_recipient_restrictions: "text",
  /** Text; Postfix 2.8 and later. See postconf(5). */
  smtpd_reject_footer: "text",
  /** Text; Postfix 3.4 and later. See postconf(5). */
  smtpd_reject_footer_maps: "text",
  /** Yes or no; Postfix 2.1 and later. See postconf(5). */
  smtpd_reject_unlisted_recipient: "boolean",
  /** Yes or no; Postfix 2.1 and later. See postconf(5). */
  smtpd_reject_unlisted_sender: "boolean",
  /** Yes or no; Postfix 3.6 and later. See postconf(5). */
  smtpd_relay_before_recipient_restrictions: "boolean",
  /** Text; Postfix 2.10 and later. See postconf(5). */
  smtpd_relay_restrictions: "text",
  /** Text. See postconf(5). */
  smtpd_restriction_classes: "text",
  /** Text; Postfix 2.1 and later. See postconf(5). */
  smtpd_sasl_application_name: "text",
  /** Yes or no. See postconf(5). */
  smtpd_sasl_auth_enable: "boolean",
  /** Yes or no; Postfix 2.3 and later. See postconf(5). */
  smtpd_sasl_authenticated_header: "boolean",
  /** Text; Postfix 2.1 and later. See postconf(5). */
  smtpd_sasl_exceptions_networks: "text",
  /** Text. See postconf(5). */
  smtpd_sasl_local_domain: "text",
  /** Text; Postfix 3.6 and later. See postconf(5). */
  smtpd_sasl_mechanism_filter: "text",
  /** Text; Postfix 2.3 and later. See postconf(5). */
  smtpd_sasl_path: "text",
  /** A number; Postfix 3.4 and later. See postconf(5). */
  smtpd_sasl_response_limit: "number",
  /** Text. See postconf(5). */
  smtpd_sasl_security_options: "text",
  /** Text; Postfix 2.11 and later. See postconf(5). */
  smtpd_sasl_service: "text",
  /** Text; Postfix 2.2 and later. See postconf(5). */
  smtpd_sasl_tls_security_options: "text",
  /** Text; Postfix 2.3 and later. See postconf(5). */
  smtpd_sasl_type: "text",
  /** Text. See postconf(5). */
  smtpd_sender_login_maps: "text",
  /** Text; Postfix 2.0 and later. See postconf(5). */
  smtpd_sender_restrictions: "text",
  /** Text; Postfix 2.8 and later. See postconf(5). */
  smtpd_service_name: "text",
  /** A number. See postconf(5). */
  smtpd_soft_error_limit: "number",
  /** A time, such as 30s or 5d; Postfix 2.2 and later. See postconf(5). */
  smtpd_starttls_timeout: "time",
  /** A time, such as 30s or 5d. See postconf(5). */
  smtpd_timeout: "time",
  /** Text; Postfix 2.2 and later. See postconf(5). */
  smtpd_tls_CAfile: "text",
  /** Text; Postfix 2.2 and later. See postconf(5). */
  smtpd_tls_CApath: "text",
  /** Yes or no; Postfix 2.3 and later. See postconf(5). */
  smtpd_tls_always_issue_session_ids: "boolean",
  /** Yes or no; Postfix 2.2 and later. See postconf(5). */
  smtpd_tls_ask_ccert: "boolean",
  /** Yes or no; Postfix 2.2 and later. See postconf(5). */
  smtpd_tls_auth_only: "boolean",
  /** A number; Postfix 2.2 and later. See postconf(5). */
  smtpd_tls_ccert_verifydepth: "number",
  /** Text; Postfix 2.2 and later. See postconf(5). */
  smtpd_tls_cert_file: "text",
  /** Text; Postfix 3.4 and later. See postconf(5). */
  smtpd_tls_chain_files: "text",
  /** Text; Postfix 2.2 and later. See postconf(5). */
  smtpd_tls_cipherlist: "text",
  /** Text; Postfix 2.6 and later. See postconf(5). */
  smtpd_tls_ciphers: "text",
  /** Text; Postfix 2.2 and later. See postconf(5). */
  smtpd_tls_dcert_file: "text",
  /** Text; Postfix 2.2 and later. See postconf(5). */
  smtpd_tls_dh1024_param_file: "text",
  /** Text; Postfix 2.2 and later. See postconf(5). */
  smtpd_tls_dh512_param_file: "text",
  /** Text; Postfix 2.2 and later. See postconf(5). */
  smtpd_tls_dkey_file: "text",
  /** Text; Postfix 2.6 and later. See postconf(5). */
  smtpd_tls_eccert_file: "text",
  /** Text; Postfix 2.6 and later. See postconf(5). */
  smtpd_tls_eckey_file: "text",
  /** Text; Postfix 2.6 and later. See postconf(5). */
  smtpd_tls_eecdh_grade: "text",
  /** Yes or no; Postfix 3.9 and later. See postconf(5). */
  smtpd_tls_enable_rpk: "boolean",
  /** Text; Postfix 2.3 and later. See postconf(5). */
  smtpd_tls_exclude_ciphers: "text",
  /** Text; Postfix 2.5 and later. See postconf(5). */
  smtpd_tls_fingerprint_digest: "text",
  /** Text. See postconf(5). */
  smtpd_tls_key_file: "text",
  /** Text; Postfix 2.2 and later. See postconf(5). */
  smtpd_tls_loglevel: "text",
  /** Text; Postfix 2.3 and later. See postconf(5). */
  smtpd_tls_mandatory_ciphers: "text",
  /** Text; Postfix 2.3 and later. See postconf(5). */
  smtpd_tls_mandatory_exclude_ciphers: "text",
  /** Text; Postfix 2.3 and later. See postconf(5). */
  smtpd_tls_mandatory_protocols: "text",
  /** Text; Postfix 2.6 and later. See postconf(5). */
  smtpd_tls_protocols: "text",
  /** Yes or no; Postfix 2.2 and later. See postconf(5). */
  smtpd_tls_received_header: "boolean",
  /** Yes or no; Postfix 2.2 and later. See postconf(5). */
  smtpd_tls_req_ccert: "boolean",
  /** Text; Postfix 2.3 and later. See postconf(5). */
  smtpd_tls_security_level: "text",
  /** Text; Postfix 2.2 and later. See postconf(5). */
  smtpd_tls_session_cache_database: "text",
  /** A time, such as 30s or 5d; Postfix 2.2 and later. See postconf(5). */
  smtpd_tls_session_cache_timeout: "time",
  /** Yes or no; Postfix 2.2 and later. See postconf(5). */
  smtpd_tls_wrappermode: "boolean",
  /** Text; Postfix 2.10 and later. See postconf(5). */
  smtpd_upstream_proxy_protocol: "text",
  /** A time, such as 30s or 5d; Postfix 2.10 and later. See postconf(5). */
  smtpd_upstream_proxy_timeout: "time",
  /** Yes or no; Postfix 2.2 and later. See postconf(5). */
  smtpd_use_tls: "boolean",
  /** Text; Postfix 3.0 and later. See postconf(5). */
  smtputf8_autodetect_classes: "text",
  /** Yes or no; Postfix 3.0 and later. See postconf(5). */
  smtputf8_enable: "boolean",
  /** A number; Postfix 3.10 and later. See postconf(5). */
  socketmap_max_reply_size: "number",
  /** Yes or no. See postconf(5). */
  soft_bounce: "boolean",
  /** A time, such as 30s or 5d. See postconf(5). */
  stale_lock_time: "time",
  /** Text; Postfix 2.5 and later. See postconf(5). */
  stress: "text",
  /** Yes or no; Postfix 2.0 and later. See postconf(5). */
  strict_7bit_headers: "boolean",
  /** Yes or no; Postfix 2.0 and later. See postconf(5). */
  strict_8bitmime: "boolean",
  /** Yes or no; Postfix 2.0 and later. See postconf(5). */
  strict_8bitmime_body: "boolean",
  /** Yes or no; Postfix 2.5 and later. See postconf(5). */
  strict_mailbox_ownership: "boolean",
  /** Yes or no; Postfix 2.0 and later. See postconf(5). */
  strict_mime_encoding_domain: "boolean",
  /** Yes or no. See postconf(5). */
  strict_rfc821_envelopes: "boolean",
  /** Yes or no; Postfix 3.0 and later. See postconf(5). */
  strict_smtputf8: "boolean",
  /** Yes or no. See postconf(5). */
  sun_mailtool_compatibility: "boolean",
  /** Yes or no. See postconf(5). */
  swap_bangpath: "boolean",
  /** Text. See postconf(5). */
  syslog_facility: "text",
  /** Text. See postconf(5). */
  syslog_name: "text",
  /** A number; Postfix 2.6 and later. See postconf(5). */
  tcp_windowsize: "number",
  /** Yes or no; Postfix 2.4 and later. See postconf(5). */
  tls_append_default_CA: "boolean",
  /** Text; Postfix 3.9 and later. See postconf(5). */
  tls_config_file: "text",
  /** Text; Postfix 3.9 and later. See postconf(5). */
  tls_config_name: "text",
  /** A number; Postfix 2.2 and later. See postconf(5). */
  tls_daemon_random_bytes: "number",
  /** Text; Postfix 2.11 and later. See postconf(5). */
  tls_dane_digest_agility: "text",
  /** Text; Postfix 2.11 and later. See postconf(5). */
  tls_dane_digests: "text",
  /** Yes or no; Postfix 2.11 and later. See postconf(5). */
  tls_dane_trust_anchor_digest_enable: "boolean",
  /** Text; Postfix 2.8 and later. See postconf(5). */
  tls_disable_workarounds: "text",
  /** Text; Postfix 3.2 and later. See postconf(5). */
  tls_eecdh_auto_curves: "text",
  /** Text; Postfix 2.6 and later. See postconf(5). */
  tls_eecdh_strong_curve: "text",
  /** Text; Postfix 2.6 and later. See postconf(5). */
  tls_eecdh_ultra_curve: "text",
  /** Text; Postfix 2.3 and later. See postconf(5). */
  tls_export_cipherlist: "text",
  /** Yes or no. See postconf(5). */
  tls_fast_shutdown_enable: "boolean",
  /** Text; Postfix 3.8 and later. See postconf(5). */
  tls_ffdhe_auto_groups: "text",
  /** Text; Postfix 2.3 and later. See postconf(5). */
  tls_high_cipherlist: "text",
  /** Yes or no; Postfix 2.9 and later. See postconf(5). */
  tls_legacy_public_key_fingerprints: "boolean",
  /** Text; Postfix 2.3 and later. See postconf(5). */
  tls_low_cipherlist: "text",
  /** Text; Postfix 2.3 and later. See postconf(5). */
  tls_medium_cipherlist: "text",
  /** Text; Postfix 2.3 and later. See postconf(5). */
  tls_null_cipherlist: "text",
  /** Yes or no; Postfix 2.8 and later. See postconf(5). */
  tls_preempt_cipherlist: "boolean",
  /** A number; Postfix 2.2 and later. See postconf(5). */
  tls_random_bytes: "number",
  /** Text; Postfix 2.2 and later. See postconf(5). */
  tls_random_exchange_name: "text",
  /** A time, such as 30s or 5d; Postfix 2.2 and later. See postconf(5). */
  tls_random_prng_update_period: "time",
  /** A time, such as 30s or 5d; Postfix 2.2 and later. See postconf(5). */
  tls_random_reseed_period: "time",
  /** Text; Postfix 2.2 and later. See postconf(5). */
  tls_random_source: "text",
  /** Yes or no; Postfix 3.10 and later. See postconf(5). */
  tls_required_enable: "boolean",
  /** Text; Postfix 3.4 and later. See postconf(5). */
  tls_server_sni_maps: "text",
  /** Text; Postfix 3.0 and later. See postconf(5). */
  tls_session_ticket_cipher: "text",
  /** Text; Postfix 2.11 and later. See postconf(5). */
  tls_ssl_options: "text",
  /** Yes or no; Postfix 2.11 and later. See postconf(5). */
  tls_wildcard_matches_multiple_labels: "boolean",
  /** Text; Postfix 2.11 and later. See postconf(5). */
  tlsmgr_service_name: "text",
  /** Text; Postfix 3.4 and later. See postconf(5). */
  tlsproxy_client_CAfile: "text",
  /** Text; Postfix 3.4 and later. See postconf(5). */
  tlsproxy_client_CApath: "text",
  /** Text; Postfix 3.4 and later. See postconf(5). */
  tlsproxy_client_cert_file: "text",
  /** Text; Postfix 3.4 and later. See postconf(5). */
  tlsproxy_client_chain_files: "text",
  /** Text; Postfix 3.4 and later. See postconf(5). */
  tlsproxy_client_dcert_file: "text",
  /** Text; Postfix 3.4 and later. See postconf(5). */
  tlsproxy_client_dkey_file: "text",
  /** Text; Postfix 3.4 and later. See postconf(5). */
  tlsproxy_client_eccert_file: "text",
  /** Text; Postfix 3.4 and later. See postconf(5). */
  tlsproxy_client_eckey_file: "text",
  /** Yes or no; Postfix 3.4 and later. See postconf(5). */
  tlsproxy_client_enforce_tls: "boolean",
  /** Text; Postfix 3.4 and later. See postconf(5). */
  tlsproxy_client_fingerprint_digest: "text",
  /** Text; Postfix 3.4 and later. See postconf(5). */
  tlsproxy_client_key_file: "text",
  /** Text; Postfix 3.4 and later. See postconf(5). */
  tlsproxy_client_level: "text",
  /** Text; Postfix 3.4 and later. See postconf(5). */
  tlsproxy_client_loglevel: "text",
  /** Text; Postfix 3.4 and later. See postconf(5). */
  tlsproxy_client_loglevel_parameter: "text",
  /** Text; Postfix 3.4 and later. See postconf(5). */
  tlsproxy_client_per_site: "text",
  /** Text; Postfix 3.4 and later. See postconf(5). */
  tlsproxy_client_policy: "text",
  /** Text; Postfix 3.7 and later. See postconf(5). */
  tlsproxy_client_policy_maps: "text",
  /** A number; Postfix 3.4 and later. See postconf(5). */
  tlsproxy_client_scert_verifydepth: "number",
  /** Text; Postfix 3.7 and later. See postconf(5). */
  tlsproxy_client_security_level: "text",
  /** Yes or no; Postfix 3.4 and later. See postconf(5). */
  tlsproxy_client_use_tls: "boolean",
  /** Yes or no; Postfix 2.8 and later. See postconf(5). */
  tlsproxy_enforce_tls: "boolean",
  /** Text; Postfix 2.8 and later. See postconf(5). */
  tlsproxy_service_name: "text",
  /** Text; Postfix 2.8 and later. See postconf(5). */
  tlsproxy_tls_CAfile: "text",
  /** Text; Postfix 2.8 and later. See postconf(5). */
  tlsproxy_tls_CApath: "text",
  /** Yes or no; Postfix 2.8 and later. See postconf(5). */
  tlsproxy_tls_always_issue_session_ids: "boolean",
  /** Yes or no; Postfix 2.8 and later. See postconf(5). */
  tlsproxy_tls_ask_ccert: "boolean",
  /** A number; Postfix 2.8 and later. See postconf(5). */
  tlsproxy_tls_ccert_verifydepth: "number",
  /** Text; Postfix 2.8 and later. See postconf(5). */
  tlsproxy_tls_cert_file: "text",
  /** Text; Postfix 3.4 and later. See postconf(5). */
  tlsproxy_tls_chain_files: "text",
  /** Text; Postfix 2.8 and later. See postconf(5). */
  tlsproxy_tls_ciphers: "text",
  /** Text; Postfix 2.8 and later. See postconf(5). */
  tlsproxy_tls_dcert_file: "text",
  /** Text; Postfix 2.8 and later. See postconf(5). */
  tlsproxy_tls_dh1024_param_file: "text",
  /** Text; Postfix 2.8 and later. See postconf(5). */
  tlsproxy_tls_dh512_param_file: "text",
  /** Text; Postfix 2.8 and later. See postconf(5). */
  tlsproxy_tls_dkey_file: "text",
  /** Text; Postfix 2.8 and later. See postconf(5). */
  tlsproxy_tls_eccert_file: "text",
  /** Text; Postfix 2.8 and later. See postconf(5). */
  tlsproxy_tls_eckey_file: "text",
  /** Text; Postfix 2.8 and later. See postconf(5). */
  tlsproxy_tls_eecdh_grade: "text",
  /** Yes or no; Postfix 3.9 and later. See postconf(5). */
  tlsproxy_tls_enable_rpk: "boolean",
  /** Text; Postfix 2.8 and later. See postconf(5). */
  tlsproxy_tls_exclude_ciphers: "text",
  /** Text; Postfix 2.8 and later. See postconf(5). */
  tlsproxy_tls_fingerprint_digest: "text",
  /** Text; Postfix 2.8 and later. See postconf(5). */
  tlsproxy_tls_key_file: "text",
  /** Text; Postfix 2.8 and later. See postconf(5). */
  tlsproxy_tls_loglevel: "text",
  /** Text; Postfix 2.8 and later. See postconf(5). */
  tlsproxy_tls_mandatory_ciphers: "text",
  /** Text; Postfix 2.8 and later. See postconf(5). */
  tlsproxy_tls_mandatory_exclude_ciphers: "text",
  /** Text; Postfix 2.8 and later. See postconf(5). */
  tlsproxy_tls_mandatory_protocols: "text",
  /** Text; Postfix 2.8 and later. See postconf(5). */
  tlsproxy_tls_protocols: "text",
  /** Yes or no; Postfix 2.8 and later. See postconf(5). */
  tlsproxy_tls_req_ccert: "boolean",
  /** Text; Postfix 2.8 and later. See postconf(5). */
  tlsproxy_tls_security_level: "text",
  /** A time, such as 30s or 5d; Postfix 2.8 and later. See postconf(5). */
  tlsproxy_tls_session_cache_timeout: "time",
  /** Yes or no; Postfix 2.8 and later. See postconf(5). */
  tlsproxy_use_tls: "boolean",
  /** A time, such as 30s or 5d; Postfix 2.8 and later. See postconf(5). */
  tlsproxy_watchdog_timeout: "time",
  /** Text; Postfix 2.1 and later. See postconf(5). */
  trace_service_name: "text",
  /** Text. See postconf(5). */
  transport_maps: "text",
  /** A time, such as 30s or 5d. See postconf(5). */
  transport_retry_time: "time",
  /** A time, such as 30s or 5d. See postconf(5). */
  trigger_timeout: "time",
  /** Text. See postconf(5). */
  undisclosed_recipients_header: "text",
  /** A number. See postconf(5). */
  unknown_address_reject_code: "number",
  /** Text; Postfix 2.6 and later. See postconf(5). */
  unknown_address_tempfail_action: "text",
  /** A number. See postconf(5). */
  unknown_client_reject_code: "number",
  /** Text; Postfix 2.6 and later. See postconf(5). */
  unknown_helo_hostname_tempfail_action: "text",
  /** A number. See postconf(5). */
  unknown_hostname_reject_code: "number",
  /** A number; Postfix 2.0 and later. See postconf(5). */
  unknown_local_recipient_reject_code: "number",
  /** A number; Postfix 2.0 and later. See postconf(5). */
  unknown_relay_recipient_reject_code: "number",
  /** A number; Postfix 2.0 and later. See postconf(5). */
  unknown_virtual_alias_reject_code: "number",
  /** A number; Postfix 2.0 and later. See postconf(5). */
  unknown_virtual_mailbox_reject_code: "number",
  /** A number; Postfix 2.6 and later. See postconf(5). */
  unverified_recipient_defer_code: "number",
  /** A number; Postfix 2.1 and later. See postconf(5). */
  unverified_recipient_reject_code: "number",
  /** Text; Postfix 2.6 and later. See postconf(5). */
  unverified_recipient_reject_reason: "text",
  /** Text; Postfix 2.6 and later. See postconf(5). */
  unverified_recipient_tempfail_action: "text",
  /** A number; Postfix 2.6 and later. See postconf(5). */
  unverified_sender_defer_code: "number",
  /** A number; Postfix 2.1 and later. See postconf(5). */
  unverified_sender_reject_code: "number",
  /** Text; Postfix 2.6 and later. See postconf(5). */
  unverified_sender_reject_reason: "text",
  /** Text; Postfix 2.6 and later. See postconf(5). */
  unverified_sender_tempfail_action: "text",
  /** Text; Postfix 3.8 and later. See postconf(5). */
  use_srv_lookup: "text",
  /** Text; Postfix 1.1 and later. See postconf(5). */
  verp_delimiter_filter: "text",
  /** A number; Postfix 3.0 and later. See postconf(5). */
  virtual_alias_address_length_limit: "number",
  /** Text; Postfix 2.0 and later. See postconf(5). */
  virtual_alias_domains: "text",
  /** A number; Postfix 2.1 and later. See postconf(5). */
  virtual_alias_expansion_limit: "number",
  /** Text; Postfix 2.0 and later. See postconf(5). */
  virtual_alias_maps: "text",
  /** A number; Postfix 2.1 and later. See postconf(5). */
  virtual_alias_recursion_limit: "number",
  /** Text; Postfix 3.0 and later. See postconf(5). */
  virtual_delivery_status_filter: "text",
  /** A number. See postconf(5). */
  virtual_destination_concurrency_limit: "number",
  /** A number. See postconf(5). */
  virtual_destination_recipient_limit: "number",
  /** Text. See postconf(5). */
  virtual_gid_maps: "text",
  /** Text. See postconf(5). */
  virtual_mailbox_base: "text",
  /** Text; Postfix 2.0 and later. See postconf(5). */
  virtual_mailbox_domains: "text",
  /** A number. See postconf(5). */
  virtual_mailbox_limit: "number",
  /** Text. See postconf(5). */
  virtual_mailbox_lock: "text",
  /** Text. See postconf(5). */
  virtual_mailbox_maps: "text",
  /** Text. See postconf(5). */
  virtual_maps: "text",
  /** A number. See postconf(5). */
  virtual_minimum_uid: "number",
  /** Text; Postfix 2.0 and later. See postconf(5). */
  virtual_transport: "text",
  /** Text. See postconf(5). */
  virtual_uid_maps: "text",
} as const;

/** What Postfix reads for each transport of master.cf, behind the transport's name and an underscore. */
export const PER_TRANSPORT = [
  "delivery_slot_cost",
  "delivery_slot_discount",
  "delivery_slot_loan",
  "destination_concurrency_failed_cohort_limit",
  "destination_concurrency_limit",
  "destination_concurrency_negative_feedback",
  "destination_concurrency_positive_feedback",
  "destination_rate_delay",
  "destination_recipient_limit",
  "extra_recipient_limit",
  "initial_destination_concurrency",
  "minimum_delivery_slots",
  "recipient_limit",
  "recipient_refill_delay",
  "recipient_refill_limit",
  "time_limit",
  "transport_rate_delay",
] as const;
