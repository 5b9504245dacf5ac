import { errnoName, errnoText } from "../../ffi/errno.ts";

/** The kernel refused a request: an NLMSG_ERROR or NLMSG_DONE with an errno. */
export class NetlinkError extends Error {
  override readonly name = "NetlinkError";
  /** What the request was for, in the project's words: `move eth1`. */
  readonly about: string;
  readonly errno: number;
  /** "EEXIST", … */
  readonly code: string;
  /** NLMSGERR_ATTR_MSG: the kernel's own words, verbatim. */
  readonly kernelMessage: string | null;
  /** NLMSGERR_ATTR_OFFS, resolved to the name of the attribute at fault. */
  readonly attribute: string | null;

  constructor(about: string, errno: number, kernelMessage: string | null, attribute: string | null) {
    const where = attribute === null ? "" : ` (${attribute})`;
    super(`${about}: ${errnoName(errno)}: ${kernelMessage ?? errnoText(errno)}${where}`);
    this.about = about;
    this.errno = errno;
    this.code = errnoName(errno);
    this.kernelMessage = kernelMessage;
    this.attribute = attribute;
  }
}

/** A dump was interrupted each time it was tried (NLM_F_DUMP_INTR): things change faster than they are read. */
export class DumpInterruptedError extends Error {
  override readonly name = "DumpInterruptedError";
  readonly about: string;
  readonly tries: number;

  constructor(about: string, tries: number) {
    super(`${about}: interrupted ${tries} times: the kernel's tables change faster than they can be read`);
    this.about = about;
    this.tries = tries;
  }
}
