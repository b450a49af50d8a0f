# The image of the server, the admin commands and the web app: docs/deploy.md.
# It has Node, the libraries that Node is linked with, and the build. It has no shell and no package manager.

FROM node:24-trixie-slim AS build
WORKDIR /src
COPY . .
RUN npm run setup
RUN npx --yes pnpm@12 exec turbo run build --filter=@lockstep/web --filter=@app/server
RUN npm run image -- /image/app
RUN ldd /usr/local/bin/node $(find /image/app/node_modules -name '*.node') | grep --only-matching '/lib[^ ]*' | sort --unique \
    | xargs cp --parents --dereference --target-directory=/image \
  && cp --parents /usr/local/bin/node /image \
  && install -D --mode=644 /etc/passwd /image/etc/passwd \
  && install --directory --mode=1777 /image/tmp \
  && mkdir /data

FROM scratch
COPY --from=build /image /
# For SQLite. Mount a volume here, or set DATABASE_URL to PostgreSQL.
COPY --from=build --chown=1000:1000 /data /data
WORKDIR /app
ENV NODE_ENV=production DATABASE_URL=file:/data/lockstep.db PORT=3000
# The user `node` of the official image. By number, so that Kubernetes can tell that it is not root.
USER 1000:1000
EXPOSE 3000
HEALTHCHECK --interval=5s --timeout=3s --start-period=60s \
  CMD ["/usr/local/bin/node", "--eval", "fetch('http://127.0.0.1:' + process.env.PORT + '/readyz').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["/usr/local/bin/node", "--max-semi-space-size=8", "--import", "@lockstep/server/prelude"]
CMD ["apps/server/dist/main.js"]
