// The devices that sign in without a second factor.

import type { FactorList } from "@lockstep/kit";
import { Button } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { cardClasses, FailureNotice, Moment, useBackend, useDevices, useWords } from "../../parts.ts";
import styles from "./second-factors.module.css";
import { secondFactorsWords } from "./words.tsx";

export const TrustedDevices = ({ list: { factors, trustedDevices } }: { list: FactorList }) => {
  const { client, queryClient, readFailure, trpc } = useBackend();
  const words = useWords("secondFactors", secondFactorsWords).devices;
  const deviceOf = useDevices();
  const forget = useMutation({
    mutationFn: (deviceId: string) => client.factor.forgetDevice.mutate({ deviceId }),
    onSettled: () => queryClient.invalidateQueries({ queryKey: trpc.factor.list.queryKey() }),
  });
  if (factors.length === 0 && trustedDevices.length === 0) return null;
  const failure = forget.error && readFailure("factor.forgetDevice", forget.error);
  return (
    <section className={cardClasses.card} aria-labelledby="devices-title">
      <h2 id="devices-title" className={cardClasses.cardTitle}>
        {words.title}
      </h2>
      <p className={styles.aside}>{trustedDevices.length === 0 ? words.none : words.text}</p>
      {failure && failure.code !== "TRUSTED_DEVICE_NOT_FOUND" && (
        <FailureNotice key={forget.submittedAt} failure={failure} takesFocus />
      )}
      <ul className={styles.list}>
        {trustedDevices.map(({ id, userAgent, address, expiresAt }) => {
          const { name } = deviceOf(userAgent);
          return (
            <li key={id} className={styles.item}>
              <div className={styles.facts}>
                <p className={styles.name}>{name}</p>
                <p className={styles.fact}>
                  {address && `${address}. `}
                  {words.until(<Moment at={expiresAt} />)}
                </p>
              </div>
              <Button
                variant="default"
                size="sm"
                aria-label={words.forgetOf(name)}
                aria-disabled={forget.isPending}
                onClick={() => !forget.isPending && forget.mutate(id)}
              >
                {words.forget}
              </Button>
            </li>
          );
        })}
      </ul>
    </section>
  );
};
