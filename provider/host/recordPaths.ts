/** Where the record stands on the host. */

export const RECORD_FOLDER = "/var/db/pulumi-openbsd-postfix";
export const RECORD_PATH = `${RECORD_FOLDER}/record.json`;
