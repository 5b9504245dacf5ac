import { type Finding, pass, warn } from "./finding.ts";

/** A program that configures network devices by itself. */
interface Manager {
  /** What /proc/PID/comm holds: 15 bytes at most. */
  readonly comm: string;
  readonly name: string;
  /** Folders with its settings; one that is netdevd's has "netdevd" in its name. */
  readonly folders: readonly string[];
  readonly mend: string;
}

const NETWORKD_FOLDERS = ["/etc/systemd/network", "/run/systemd/network", "/usr/lib/systemd/network"];
const NETWORKMANAGER_FOLDERS = ["/etc/NetworkManager/conf.d", "/usr/lib/NetworkManager/conf.d"];

const MANAGERS: readonly Manager[] = [
  {
    comm: "systemd-network",
    name: "systemd-networkd",
    folders: NETWORKD_FOLDERS,
    mend: "name the devices of your mappings in config/others/10-netdevd.network, and put it into /etc/systemd/network",
  },
  {
    comm: "NetworkManager",
    name: "NetworkManager",
    folders: NETWORKMANAGER_FOLDERS,
    mend: "name them in config/others/netdevd-networkmanager.conf, and put it into /etc/NetworkManager/conf.d",
  },
  ...["dhcpcd", "dhclient", "connmand", "wickedd", "ifplugd"].map((comm) => ({
    comm,
    name: comm,
    folders: [],
    mend: "have it leave the devices of your mappings alone",
  })),
];

/**
 * One finding for each manager that runs, and one where there is none. What configures a device that has just
 * come home undoes what netdevd put back.
 *
 * @param running what /proc/PID/comm holds, for each process of this network namespace
 * @param filesIn the names of the files in a folder; none where there is no such folder
 */
export function managerFindings(
  running: ReadonlySet<string>,
  filesIn: (folder: string) => readonly string[],
): Finding[] {
  const found = MANAGERS.filter(({ comm }) => running.has(comm));
  if (found.length === 0) return [pass("managers", "none runs that would configure a device that came home")];
  return found.map(({ name, folders, mend }) => {
    const keptOff = folders
      .flatMap((folder) => filesIn(folder).map((file) => `${folder}/${file}`))
      .find((path) => path.includes("netdevd"));
    if (keptOff !== undefined) return pass("managers", `${name} runs, and is kept off by ${keptOff}`);
    return warn("managers", `${name} runs, and may configure a device that has just come home`, mend);
  });
}
