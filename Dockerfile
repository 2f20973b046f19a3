# The one image of Penstock: operator, processor and gateway are commands of the same program.
# The build context is the folder of the bundle:  node dev/cli.ts bundle dist/image && docker build -f Dockerfile dist/image
ARG NODE_IMAGE=node:24-bookworm-slim
FROM ${NODE_IMAGE}
WORKDIR /app
COPY penstock.js penstock.js.map penstock.js.LEGAL.txt ./
ENV NODE_ENV=production
# A number, so that the cluster can see that it is not root. Nothing is written but to /tmp, and that only if it can be.
USER 1000:1000
ENTRYPOINT ["node", "/app/penstock.js"]
