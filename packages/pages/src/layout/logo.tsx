// The logo of the service.

import { useBrand } from "../app/context.ts";

/** The logo of the brand, if it has one. */
export const Logo = ({ size = 28 }: { size?: number }) => {
  const { logo } = useBrand();
  return logo === undefined ? null : <img src={logo} width={size} height={size} alt="" />;
};
