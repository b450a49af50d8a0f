// The scopes of the contract. In a module of their own, so that only the page to register apps loads the contract.

import { contract } from "@app/contract";

export const { scopes } = contract;
