/** All kinds. A kind that is not in this list does not exist for Pulumi. */
import { aliases } from "./aliases";
import { baseMailer } from "./baseMailer";
import { chrootResolv } from "./chrootResolv";
import { lookupTable } from "./lookupTable";
import { mailCheck } from "./mailCheck";
import { mailerConf } from "./mailerConf";
import { mailStore } from "./mailStore";
import { mainCf } from "./mainCf";
import { masterCf } from "./masterCf";
import { postfixDocs } from "./postfixDocs";
import { postfixPackage } from "./postfixPackage";
import { postfixService } from "./postfixService";
import { rcConfLocal } from "./rcConfLocal";
import { rootCrontab } from "./rootCrontab";
import { tlsCertificate } from "./tlsCertificate";
import type { AnyKind } from "../contract/kind";

/** Every kind, without its type parameters, which no caller of them all needs. */
export const kinds = [
  aliases,
  baseMailer,
  chrootResolv,
  lookupTable,
  mailCheck,
  mailerConf,
  mailStore,
  mainCf,
  masterCf,
  postfixDocs,
  postfixPackage,
  postfixService,
  rcConfLocal,
  rootCrontab,
  tlsCertificate,
] as unknown as readonly AnyKind[];
