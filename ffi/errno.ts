import { getSystemErrorMap } from "node:util";

/** asm-generic/errno-base.h and errno.h, from 1 on; "-": a number that is not used. */
const NAMES = `
EPERM ENOENT ESRCH EINTR EIO ENXIO E2BIG ENOEXEC EBADF ECHILD EAGAIN ENOMEM EACCES EFAULT
ENOTBLK EBUSY EEXIST EXDEV ENODEV ENOTDIR EISDIR EINVAL ENFILE EMFILE ENOTTY ETXTBSY EFBIG
ENOSPC ESPIPE EROFS EMLINK EPIPE EDOM ERANGE EDEADLK ENAMETOOLONG ENOLCK ENOSYS ENOTEMPTY ELOOP
- ENOMSG EIDRM ECHRNG EL2NSYNC EL3HLT EL3RST ELNRNG EUNATCH ENOCSI EL2HLT EBADE EBADR EXFULL
ENOANO EBADRQC EBADSLT - EBFONT ENOSTR ENODATA ETIME ENOSR ENONET ENOPKG EREMOTE ENOLINK EADV
ESRMNT ECOMM EPROTO EMULTIHOP EDOTDOT EBADMSG EOVERFLOW ENOTUNIQ EBADFD EREMCHG ELIBACC ELIBBAD
ELIBSCN ELIBMAX ELIBEXEC EILSEQ ERESTART ESTRPIPE EUSERS ENOTSOCK EDESTADDRREQ EMSGSIZE
EPROTOTYPE ENOPROTOOPT EPROTONOSUPPORT ESOCKTNOSUPPORT EOPNOTSUPP EPFNOSUPPORT EAFNOSUPPORT
EADDRINUSE EADDRNOTAVAIL ENETDOWN ENETUNREACH ENETRESET ECONNABORTED ECONNRESET ENOBUFS EISCONN
ENOTCONN ESHUTDOWN ETOOMANYREFS ETIMEDOUT ECONNREFUSED EHOSTDOWN EHOSTUNREACH EALREADY
EINPROGRESS ESTALE EUCLEAN ENOTNAM ENAVAIL EISNAM EREMOTEIO EDQUOT ENOMEDIUM EMEDIUMTYPE
ECANCELED ENOKEY EKEYEXPIRED EKEYREVOKED EKEYREJECTED EOWNERDEAD ENOTRECOVERABLE ERFKILL
EHWPOISON
`
  .trim()
  .split(/\s+/);

/** The symbolic name of an errno, "EINVAL"; "errno 4711" for one without a name. */
export function errnoName(errno: number): string {
  const name = NAMES[errno - 1];
  return name === undefined || name === "-" ? `errno ${errno}` : name;
}

/** Made anew by each call of getSystemErrorMap(): 80 entries. */
const TEXTS = getSystemErrorMap();

/** What an errno means in words; its name where no words are known. */
export function errnoText(errno: number): string {
  return TEXTS.get(-errno)?.[1] ?? errnoName(errno);
}

/** A libc call failed: which, on what, with which errno. */
export class SyscallError extends Error {
  override readonly name = "SyscallError";
  readonly call: string;
  readonly errno: number;
  /** "ENOBUFS", … */
  readonly code: string;

  constructor(call: string, errno: number, subject?: string) {
    const what = subject === undefined ? call : `${call} ${subject}`;
    super(`${what}: ${errnoName(errno)}: ${errnoText(errno)}`);
    this.call = call;
    this.errno = errno;
    this.code = errnoName(errno);
  }
}
