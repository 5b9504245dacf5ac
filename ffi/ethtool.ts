import { libc } from "./libc.ts";
import { allocate } from "./memory.ts";

/** linux/sockios.h. */
const SIOCETHTOOL = 0x8946;
/** linux/ethtool.h. */
const ETHTOOL_GDRVINFO = 3;

/** struct ifreq { char ifr_name[16]; union { …; void *ifr_data; } } (linux/if.h), 40 bytes. */
const IFREQ = { name: 0, data: 16, size: 40 };
/** struct ethtool_drvinfo { __u32 cmd; char driver[32]; char version[32]; … } (linux/ethtool.h), 196 bytes. */
const DRVINFO = { cmd: 0, driver: 4, driverSize: 32, size: 196 };

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * What drives the device `name` in the namespace of the socket `fd`, as `ethtool -i` tells it; null where it
 * does not say.
 *
 * Any socket will do, rtnetlink's too: ethtool's ioctls are those of the device layer.
 */
export function driverOf(fd: number, name: string): string | null {
  const { bytes, view, address } = allocate(IFREQ.size + DRVINFO.size);
  const drvinfo = IFREQ.size;
  encoder.encodeInto(name, bytes.subarray(IFREQ.name, IFREQ.data - 1));
  view.setBigUint64(IFREQ.data, BigInt(address + drvinfo), true);
  view.setUint32(drvinfo + DRVINFO.cmd, ETHTOOL_GDRVINFO, true);
  // Whatever it fails with: a device that sleeps or has just gone has no driver to be picked by.
  if (libc.ioctl(fd, SIOCETHTOOL, address) < 0) return null;
  const start = drvinfo + DRVINFO.driver;
  const text = decoder.decode(bytes.subarray(start, start + DRVINFO.driverSize));
  return text.split("\0", 1)[0] || null;
}
