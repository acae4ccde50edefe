import { createContext, useContext } from "react";
import type { Box } from "./contract";
import type { Store } from "./store";

/** What boxes, notes and the panel share: the store, which one is open, and the names that ports lead to. */
export interface Shared {
  store: Store;
  editable: boolean;
  you: string;
  boxes: Box[];
  open: string | null;
  /** The control that gets the focus once the open box is drawn: "name" after F2, else the first one. */
  focus: "name" | "first" | null;
  refusals: Record<string, string>;
  show: (id: string | null, focus?: "name" | "first" | null) => void;
  remove: (ids: string[]) => void;
  /** Offers the boxes of the palette as the end of a way. */
  offer: (box: string, port: string) => void;
}

export const SharedContext = createContext<Shared | null>(null);

export function useShared(): Shared {
  const shared = useContext(SharedContext);
  if (!shared) throw new Error("no board around this part");
  return shared;
}
