// One section of the security page: what there is, and the link to change it.

import { Skeleton } from "@mantine/core";
import type { ReactNode } from "react";
import { ButtonLink, type Failure, FailureNotice } from "../../parts.ts";
import styles from "./security.module.css";

export interface SectionProps {
  readonly title: string;
  /** The call that the state comes from. Absent: it is known. */
  readonly query?: { readonly isPending: boolean; readonly isFetching: boolean; readonly refetch: () => unknown };
  /** Why that call failed. */
  readonly failure?: Failure | null;
  /** The address and the text of the link. `null`: not known yet. */
  readonly link: readonly [href: string, label: string] | null;
  /** The state, shown when the call was answered. */
  readonly children: ReactNode;
}

export const Section = ({ title, query, failure, link, children }: SectionProps) => (
  <li className={styles.section} aria-busy={query?.isPending}>
    <div className={styles.facts}>
      <h3 className={styles.name}>{title}</h3>
      {query && failure ? (
        <FailureNotice failure={failure} onRetry={query.refetch} retrying={query.isFetching} />
      ) : (
        <div className={styles.state}>{query?.isPending ? <Skeleton height="1lh" width="11rem" /> : children}</div>
      )}
    </div>
    {link ? (
      <ButtonLink href={link[0]} quiet>
        {link[1]}
      </ButtonLink>
    ) : (
      <Skeleton height="2.25rem" width="11rem" />
    )}
  </li>
);
