import type { SessionEvent, User } from "@lockstep/client";
import { useCallback, useEffect, useState } from "react";
import { Button, Text, View } from "react-native";
import { api } from "./api";

export const AccountScreen = () => {
  const [user, setUser] = useState<User>();
  const [events, setEvents] = useState<SessionEvent[]>([]);

  const read = useCallback(async () => setUser(await api.user.me.query()), []);
  useEffect(() => {
    void read();
  }, [read]);

  useEffect(() => {
    // Reconnects by itself. When the session ends, the stream ends too, and the sign-in screen replaces this one.
    const watching = api.session.events.subscribe(undefined, {
      onData: (event) => setEvents((before) => [...before, event]),
    });
    return () => watching.unsubscribe();
  }, []);

  return (
    <>
      <Text role="heading">{user?.fullName}</Text>
      <Button title="Read again" onPress={read} />
      <Button title="Sign out" onPress={() => api.auth.logout.mutate()} />
      <View role="list" aria-label="Changes of your sessions">
        {events.map((event, place) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: events are only added
          <Text key={place} role="listitem">
            {event.type}
          </Text>
        ))}
      </View>
    </>
  );
};
