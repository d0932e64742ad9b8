// The real binary between the simulators, as processes, in a folder of its own.
import { spawn } from "node:child_process";
import { mkdtempSync, writeFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const TOKEN = "0123456789012345678901234567890123456789";

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

// Waits until something is so, and says what never was.
export async function until(what, so, seconds = 60) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const found = await so();
    if (found) return found;
    if (Date.now() > end) throw new Error(`never: ${what}`);
    await sleep(100);
  }
}

function freePort() {
  return new Promise((done) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });
}

export class World {
  static async start({ customers }) {
    const world = new World();
    world.folder = mkdtempSync(join(tmpdir(), "mlc-browser-"));
    [world.erp, world.crm, world.door] = [await freePort(), await freePort(), await freePort()];
    writeFileSync(join(world.folder, "mlc.toml"), world.config());
    world.sim = world.spawn(["sim", "--fusion", `127.0.0.1:${world.erp}`, "--pipedrive", `127.0.0.1:${world.crm}`,
      "--customers", `${customers}`, "--plan", "ultimate", "--seats", "50", "--webhooks-local"]);
    await until("the simulators", () => world.at(world.crm, "_sim/stats").catch(() => null));
    world.run = world.spawn(["run", "--config", "mlc.toml"]);
    const told = await until("the first link", () => /(http:\/\/\S+\/welcome\/\w+)/.exec(world.said), 60);
    world.link = told[1];
    world.console = `http://127.0.0.1:${world.door}`;
    return world;
  }

  said = "";

  spawn(args) {
    const env = { ...process.env, MLC_HOOK_PASSWORD: "a password of webhooks" };
    const child = spawn(process.env.BIN, args, { cwd: this.folder, env, stdio: ["ignore", "ignore", "pipe"] });
    child.stderr.on("data", (data) => (this.said += data));
    return child;
  }

  config() {
    return `
[store]
url = "sqlite://./mlc.db"
[web]
listen = "127.0.0.1:${this.door}"
`;
  }

  // What an admin says of the connection beside both systems.
  settings() {
    return `
[connection.webhooks]
public_url = "http://127.0.0.1:${this.door}"
basic = [{ user = "pipedrive", password = { env = "MLC_HOOK_PASSWORD" } }]
[connection.sync]
poll_every = "1h"
overlap = "10m"
crm_poll_every = "1h"
margin = "1s"
settle = "2s"
guard = { window = "1h", creates = 500, update_share = 0.9, deactivations = 50 }
[connection.customers_from_crm]
[[connection.customers_from_crm.business_unit]]
name = "US"
set_id = 300000001127004
when = { country = ["US"] }
[connection.documents]
`;
  }

  async at(port, path, body, method) {
    const answer = await fetch(`http://127.0.0.1:${port}/${path}`, {
      method: method ?? (body ? "POST" : "GET"),
      headers: { "content-type": "application/json", "x-api-token": TOKEN },
      body: body && JSON.stringify(body),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${text}`);
    return text ? JSON.parse(text) : null;
  }

  atErp(path, body) {
    return this.at(this.erp, path, body);
  }

  async enter(what, body) {
    return (await this.at(this.crm, `api/v2/${what}`, body)).data.id;
  }

  async stop() {
    for (const child of [this.run, this.sim]) {
      if (!child || child.exitCode !== null) continue;
      const ended = new Promise((done) => child.on("exit", done));
      child.kill("SIGTERM");
      const late = setTimeout(() => child.kill("SIGKILL"), 15000);
      await ended;
      clearTimeout(late);
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}
