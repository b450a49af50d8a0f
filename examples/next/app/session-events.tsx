"use client";

import { createClient, type SessionEvent } from "@lockstep/client";
import { useRouter } from "next/navigation";
import { useEffect, useState } from "react";

export const SessionEvents = () => {
  const router = useRouter();
  const [events, setEvents] = useState<SessionEvent[]>([]);
  useEffect(() => {
    // In the browser only: the server has no `location`.
    const api = createClient({ url: location.origin, transport: "cookie" });
    const watching = api.session.events.subscribe(undefined, {
      onData: (event) => setEvents((before) => [...before, event]),
      onError: () => router.refresh(), // the session has ended
    });
    return () => watching.unsubscribe();
  }, [router]);

  return (
    <>
      <h2 id="events">Changes of your sessions</h2>
      <ul aria-labelledby="events">
        {events.map((event, place) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: events are only added
          <li key={place}>{event.type}</li>
        ))}
      </ul>
    </>
  );
};
