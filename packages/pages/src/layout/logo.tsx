// The mark of the service, as its brand says.

import { useBrand } from "../app/context.ts";

/** Nothing if the brand has no logo. */
export const Logo = ({ size = 28 }: { size?: number }) => {
  const { logo } = useBrand();
  return logo === undefined ? null : <img src={logo} width={size} height={size} alt="" />;
};
