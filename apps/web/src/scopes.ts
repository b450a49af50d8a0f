// The scopes of the contract. Apart, so that the contract is fetched only for the page to register apps.

import { contract } from "@app/contract";

export const { scopes } = contract;
