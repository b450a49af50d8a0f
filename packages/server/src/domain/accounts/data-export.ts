// Owns the export of everything that the database has about a person, as the map of personal data says: every row, without
// secrets. It is read in parts, so that neither the server nor the database holds all of it at once.

import type { ExportPart } from "@lockstep/kit";
import type { Db } from "../../db/database.ts";
import { type PersonRows, readRows } from "../../db/personal-data.ts";
import type { Audit, Source } from "../kernel/audit.ts";
import { DomainError } from "../kernel/domain-error.ts";
import type { Now } from "../kernel/environment.ts";
import type { Sealed } from "../kernel/sealed.ts";
import type { PersonalDataMap } from "./personal-data.ts";

/** A part has this size when it ends, and at most one more step of rows. */
const partBytes = 512 * 1024;
const stepSize = 100;
/** How long the next part can be asked for: as long as the sign-in counts as fresh. */
const cursorSeconds = 15 * 60;

type ExportedRow = ExportPart["tables"][string][number];

/** Where a part begins. */
interface Place {
  readonly userId: string;
  readonly exportedAt: string;
  /** In the list of the map. */
  readonly index: number;
  /** The key of the last row before. `null`: the rows of this table begin. */
  readonly after: readonly unknown[] | null;
}

export type DataExport = ReturnType<typeof createDataExport>;

export const createDataExport = ({
  db,
  now,
  sealed,
  audit,
  map,
}: {
  db: Db;
  now: Now;
  sealed: Sealed;
  audit: Audit;
  map: PersonalDataMap;
}) => {
  const begin = async (userId: string, source: Source): Promise<Place> => {
    await audit.record({ action: "user.export", userId, source });
    return { userId, exportedAt: new Date(now()).toISOString(), index: 0, after: null };
  };

  const continueAt = async (userId: string, cursor: string): Promise<Place> => {
    const place = await sealed.open<Place>("export-cursors", cursor);
    if (place?.userId !== userId)
      throw new DomainError("INVALID_INPUT", {
        issues: [{ path: ["cursor"], message: "This export has ended. Begin another one." }],
      });
    return place;
  };

  return {
    /**
     * The first part of an export, or the one that `cursor` names. The first one is an audit entry.
     * @throws DomainError `INVALID_INPUT` for a cursor of another user, or one that has expired
     */
    async part(userId: string, cursor: string | null, source: Source): Promise<ExportPart> {
      const { exportedAt, ...place } = cursor === null ? await begin(userId, source) : await continueAt(userId, cursor);
      const person = await map.personOf(userId, null, db);
      const tables: Record<string, ExportedRow[]> = {};
      let { index, after } = place;
      for (let bytes = 0; person && bytes < partBytes && index < map.exported.length; ) {
        const rows = map.exported[index] as PersonRows;
        const found = await readRows(db, rows, person, { after, limit: stepSize });
        const exported = found.map((row) => exportedRow(row, rows.leaveOut));
        tables[rows.table] = [...(tables[rows.table] ?? []), ...exported];
        bytes += JSON.stringify(exported).length;
        const last = found.length < stepSize ? undefined : found.at(-1);
        after = last ? rows.key.map((column) => last[column]) : null;
        if (!last) index++;
      }
      const isLast = !person || index >= map.exported.length;
      const next: Place = { userId, exportedAt, index, after };
      return { exportedAt, tables, next: isLast ? null : await sealed.seal("export-cursors", next, cursorSeconds) };
    },
  };
};

const exportedRow = (row: Readonly<Record<string, unknown>>, leaveOut: readonly string[]): ExportedRow =>
  Object.fromEntries(
    Object.entries(row)
      .filter(([column]) => !leaveOut.includes(column))
      .map(([column, value]) => [column, exportedValue(column, value)]),
  );

/** Columns of times are called `at` or `…_at`, and contain epoch milliseconds. */
const exportedValue = (column: string, value: unknown): unknown => {
  if (/(^|_)at$/.test(column) && typeof value === "number" && Math.abs(value) <= maxTime)
    return new Date(value).toISOString();
  return value instanceof Uint8Array ? Buffer.from(value).toString("base64") : value;
};

/** ECMA-262 §21.4.1.1 */
const maxTime = 8.64e15;
