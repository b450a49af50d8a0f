export const soak = async ({ minutes }: { minutes: number }) => {
  void minutes;
  return [];
};
