/**
 * Pulumi components that turn an OpenBSD host into a Postfix mail server over SSH.
 *
 * @packageDocumentation
 */
export { Aliases, type AliasesArgs } from "./aliases";
export { BaseMailer, type BaseMailerArgs } from "./baseMailer";
export { ChrootResolv, type ChrootResolvArgs } from "./chrootResolv";
export { LookupTable, type LookupTableArgs } from "./lookupTable";
export { MailCheck, type MailCheckArgs, type MailProof, type MailTls } from "./mailCheck";
export { MailerConf, type MailerConfArgs } from "./mailerConf";
export { MailStore, type MailStoreArgs } from "./mailStore";
export { MainCf, type MainCfArgs, type MainCfParameters } from "./mainCf";
export { MasterCf, type MasterCfArgs, type MasterService } from "./masterCf";
export { MailRelay, type MailRelayArgs, type RelayDomain } from "./roles/mailRelay";
export {
  Smarthost,
  type SmarthostArgs,
  type SmarthostLogin,
  type SmarthostTls,
} from "./roles/smarthost";
export { Submission, type SubmissionArgs } from "./roles/submission";
export {
  VirtualAccounts,
  type VirtualAccountsArgs,
  type VirtualAccountsStore,
  type VirtualDomain,
} from "./roles/virtualAccounts";
export {
  type VirtualAccountsMysql,
  type VirtualAccountsQueries,
} from "./roles/virtualAccountsMysql";
export { PostfixDocs, type PostfixDocsArgs } from "./postfixDocs";
export { PostfixPackage, type PostfixPackageArgs } from "./postfixPackage";
export { PostfixServer } from "./postfixServer";
export type { PostfixServerArgs } from "./serverArguments";
export { PostfixService, type PostfixServiceArgs } from "./postfixService";
export { RcConfLocal, type RcConfLocalArgs } from "./rcConfLocal";
export { RootCrontab, type RootCrontabArgs } from "./rootCrontab";
export { type ConnectionArgs, type OnHost, Step } from "./step";
export { TlsCertificate, type TlsCertificateArgs } from "./tlsCertificate";
