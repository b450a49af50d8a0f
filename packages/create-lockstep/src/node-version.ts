// Owns whether an app includes Node as a package. The packages contain Linux binaries for glibc only. Elsewhere they
// would be found before the machine's own Node, and fail.

export interface RunningNode {
  readonly version: string;
  readonly platform: string;
  readonly architecture: string;
  readonly glibc: boolean;
}

export const runningNode = (): RunningNode => {
  const report = process.report?.getReport() as { header?: { glibcVersionRuntime?: string } } | undefined;
  return {
    version: process.versions.node,
    platform: process.platform,
    architecture: process.arch,
    glibc: report?.header?.glibcVersionRuntime !== undefined,
  };
};

/** The oldest Node that an app runs on. */
export const oldestNode = 24;

export const isOldNode = ({ version }: RunningNode): boolean => Number(version.split(".")[0]) < oldestNode;

/** Whether this machine's Node is too old, and a package contains a newer one for it. */
export const needsNode = (node: RunningNode): boolean =>
  isOldNode(node) && node.platform === "linux" && node.glibc && ["x64", "arm64"].includes(node.architecture);
