// Owns reading the changelog that a release ships: one section for each version, the newest first.

import semver from "semver";

interface Section {
  readonly version: string;
  readonly text: string;
}

const sectionsOf = (changelog: string): readonly Section[] =>
  changelog
    .split(/^## /m)
    .slice(1)
    .flatMap((text) => {
      const version = semver.valid(text.split("\n")[0]?.trim() ?? "");
      return version ? [{ version, text: `## ${text.trim()}` }] : [];
    });

/** The sections of the versions after `from`, up to `to`. */
export const changesBetween = (changelog: string, from: string, to: string): string =>
  sectionsOf(changelog)
    .filter(({ version }) => semver.gt(version, from) && semver.lte(version, to))
    .map(({ text }) => text)
    .join("\n\n");
