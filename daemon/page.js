"use strict";
(() => {
const id = name => document.getElementById(name);
const SVG = "http://www.w3.org/2000/svg";
const EVERY_MS = 2000;
const sentences = JSON.parse(id("sentences").textContent);

// Text goes in as text, never as markup.
const fill = (node, attributes, children) => {
  for (const [name, value] of Object.entries(attributes || {})) node.setAttribute(name, value);
  for (const child of children) if (child !== null && child !== undefined) node.append(child);
  return node;
};
const html = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
const svg = (tag, attributes, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);

const time = ms => ms < 10 ? ms.toFixed(1) + " ms" : ms < 10000 ? Math.round(ms) + " ms" : Math.round(ms / 1000) + " s";
const number = n => n >= 1e7 ? (n / 1e6).toFixed(1) + " M" : n.toLocaleString("en-GB");
const rate = n => n >= 10 || n === 0 ? Math.round(n).toLocaleString("en-GB") : n.toFixed(1);
const duration = s => s < 1 ? Math.round(s * 1000) + " ms" : s < 120 ? s.toFixed(1) + " s" : s < 7200 ? (s / 60).toFixed(1) + " min" : (s / 3600).toFixed(1) + " h";
const clock = s => new Date(s * 1000).toLocaleString("sv-SE");
const runs = server => server.io === "yes" && server.sql === "yes";
// As the table without a script has it (page.c).
const tone = s => s.mark === "*" ? "ok" : s.mark === "?" ? (s.life === "dead" ? "bad" : "unknown") : runs(s) ? "warning" : "bad";
const shape = {ok: "\u2713", warning: "!", bad: "\u00d7", unknown: "?"};
const short = (text, most) => text.length > most ? text.slice(0, most - 1) + "\u2026" : text;

const lag = (server, origin) => {
  const ms = server.lag_ms[origin];
  return ms === null || ms === undefined ? null : (server.lag_at_least.includes(origin) ? "over " : "") + time(ms);
};

// ---- the ring: sites clockwise, the first on top; links along the circle, and inside it where they go past a site
const NODE = 27;
let R = 138; // wide enough for all labels between the sites
const at = (angle, radius) => [radius * Math.sin(angle), -radius * Math.cos(angle)];
const point = ([x, y]) => x.toFixed(1) + " " + y.toFixed(1);

function headAt(end, direction, kind) {
  return svg("path", {class: "head " + kind, d: "M0 0L-13 -7L-10 0L-13 7Z",
    transform: `translate(${point(end)}) rotate(${(direction * 180 / Math.PI).toFixed(1)})`});
}

function linkShape(from, to, count) {
  const a = 2 * Math.PI * from / count, b = 2 * Math.PI * to / count, gap = Math.asin((NODE + 9) / R);
  const step = (to - from + count) % count;
  if (step === 1) {
    let turn = b - a;
    if (turn <= 0) turn += 2 * Math.PI;
    const start = at(a + gap, R), end = at(a + turn - gap, R), middle = at(a + turn / 2, R);
    return {path: `M${point(start)}A${R} ${R} 0 ${turn - 2 * gap > Math.PI ? 1 : 0} 1 ${point(end)}`, end, middle,
      direction: a + turn - gap + 0.06};
  }
  const [ax, ay] = at(a, R), [bx, by] = at(b, R), pull = step * 2 === count ? .25 : .35;
  const side = step * 2 === count ? at(a + Math.PI / 2, R * .7) : [0, 0];
  const cx = (ax + bx) / 2 * pull + side[0], cy = (ay + by) / 2 * pull + side[1];
  const cut = (x, y) => { const l = Math.hypot(cx - x, cy - y) || 1; return [x + (cx - x) / l * (NODE + 9), y + (cy - y) / l * (NODE + 9)]; };
  const start = cut(ax, ay), end = cut(bx, by);
  return {path: `M${point(start)}Q${point([cx, cy])} ${point(end)}`, end, direction: Math.atan2(end[1] - cy, end[0] - cx),
    middle: [(start[0] + 2 * cx + end[0]) / 4, (start[1] + 2 * cy + end[1]) / 4]};
}

function label(text, [x, y], kind) {
  const width = text.length * 7.2 + 14;
  return svg("g", {class: "lag " + kind},
    svg("rect", {x: (x - width / 2).toFixed(1), y: (y - 11).toFixed(1), width: width.toFixed(1), height: 22, rx: 6}),
    svg("text", {x: x.toFixed(1), y: (y + 4.5).toFixed(1), "text-anchor": "middle"}, text));
}

function drawLink(drawing, value, sites, server, place) {
  const count = sites.length, wanted = (place + count - 1) % count;
  const source = sites.findIndex(s => s.name === server.follows);
  const seen = server.mark !== "?" && source >= 0;
  const from = seen ? source : wanted;
  if (from === place) return;
  const past = seen && source !== wanted;
  const kind = server.mark === "?" ? "unknown" : !seen || !runs(server) ? "bad" : past ? "warning" : "ok";
  const bend = linkShape(from, place, count);
  if (past) {
    const empty = linkShape(wanted, place, count);
    drawing.append(svg("path", {class: "link gone", d: empty.path}));
  }
  const said = kind === "ok" || kind === "warning" ? lag(server, sites[from].name) : kind === "bad" ? "stopped" : "not seen";
  drawing.append(svg("g", {class: "hop", "data-from": sites[from].name, "data-to": server.name, "data-state": kind},
    svg("title", {}, `${server.name} follows ${sites[from].name}: ${server.state}`),
    svg("path", {class: "link " + kind, d: bend.path}),
    headAt(bend.end, bend.direction, kind),
    said ? label(short(said, 20), bend.middle, kind) : null));
}

function drawSite(drawing, value, server, place, count) {
  const angle = 2 * Math.PI * place / count, [x, y] = at(angle, R);
  const kind = server.life === "dead" ? "bad" : server.mark === "?" ? "unknown" : server.life === "doubtful" ? "warning" : "ok";
  const replicas = value.servers.filter(s => s.role === "replica" && s.site === server.name);
  const group = svg("g", {class: "place " + kind, "data-site": server.name, "data-state": kind},
    svg("title", {}, `${server.name}: ${server.state}`));
  replicas.slice(0, 7).forEach((replica, i) => {
    const turn = angle + (i - (Math.min(replicas.length, 7) - 1) / 2) * .42;
    const [rx, ry] = [x + 45 * Math.sin(turn), y - 45 * Math.cos(turn)];
    group.append(svg("circle", {class: "replica " + tone(replica), cx: rx.toFixed(1), cy: ry.toFixed(1), r: 7},
      svg("title", {}, `${replica.name}: ${replica.state}`)));
  });
  if (server.name === value.site) group.append(svg("circle", {class: "here", cx: x, cy: y, r: NODE + 5}));
  group.append(svg("circle", {class: "site " + kind, cx: x, cy: y, r: NODE}),
    svg("text", {class: "glyph", x, y: y + 7, "text-anchor": "middle"}, shape[kind]));
  const away = R + (replicas.length ? 66 : 44), [tx, ty] = at(angle, away);
  const anchor = Math.abs(tx) < 40 ? "middle" : tx > 0 ? "start" : "end";
  const lift = ty < -away * .7 ? -14 : ty > away * .7 ? 12 : -3;
  const words = [server.role === "main" ? "main" : "", server.paused ? "paused" : "", server.name === value.site ? "here" : "", replicas.length ? replicas.length + (replicas.length > 1 ? " replicas" : " replica") : ""];
  group.append(svg("text", {class: "name", x: tx.toFixed(1), y: (ty + lift).toFixed(1), "text-anchor": anchor}, short(server.name, 17)),
    svg("text", {class: "soft", x: tx.toFixed(1), y: (ty + lift + 16).toFixed(1), "text-anchor": anchor}, words.filter(w => w).join(", ")));
  drawing.append(group);
}

function drawRing(value) {
  const sites = value.servers.filter(s => s.role !== "replica");
  const drawing = id("drawing");
  document.querySelector("main").classList.toggle("many", sites.length > 8);
  drawing.replaceChildren();
  R = 138 + Math.max(0, sites.length - 4) * 24;
  sites.forEach((server, place) => drawLink(drawing, value, sites, server, place));
  sites.forEach((server, place) => drawSite(drawing, value, server, place, sites.length));
  const past = sites.length > 2 && sites.some((s, i) => s.follows && s.mark !== "?" && s.follows !== sites[(i + sites.length - 1) % sites.length].name);
  if (sites.length > 1 && !past)
    drawing.append(svg("text", {class: "big", y: 6, "text-anchor": "middle"}, value.full_circle_ms === null ? "\u2013" : time(value.full_circle_ms)),
      svg("text", {class: "soft", y: 28, "text-anchor": "middle"}, value.full_circle_ms === null ? "full circle not measured" : "full circle"));
  drawing.setAttribute("aria-label", value.headline);
  // As near as what is drawn allows, and steady while only numbers change.
  const box = drawing.getBBox(), half = Math.ceil(Math.max(-box.x, box.x + box.width) / 24) * 24 + 12;
  drawing.setAttribute("viewBox", `${-half} ${Math.floor(box.y - 14)} ${2 * half} ${Math.ceil(box.height + 28)}`);
}

// ---- the rest
function showServers(value) {
  const cell = (name, text) => html("td", {"data-label": name}, text);
  id("rows").replaceChildren(...value.servers.map(server => {
    const lags = html("td", {"data-label": "Lag of writes from"});
    for (const origin of Object.keys(server.lag_ms)) {
      const said = origin === server.name ? null : lag(server, origin);
      if (said) lags.append(html("i", {}, html("b", {}, origin), " " + said), " ");
    }
    return html("tr", {class: tone(server)},
      html("th", {scope: "row"}, html("i", {class: "mark"}, shape[tone(server)]), server.name),
      cell("Role", server.role), cell("State", server.state), cell("Follows", server.follows || ""),
      cell("Fetches / applies", server.follows && server.follows !== "-" ? server.io + " / " + server.sql : ""), lags,
      cell("Version", server.kind ? server.kind + " " + server.version.split("-")[0] : ""));
  }));
}

function plot(drawing, series, unit, first_s, last_s) {
  const W = 520, H = 104, X0 = 2;
  const points = series.flatMap(s => s.values).filter(v => v !== null);
  drawing.replaceChildren(svg("line", {class: "axis", x1: X0, x2: W, y1: H, y2: H}));
  if (points.length < 2) {
    drawing.append(svg("text", {class: "soft", x: W / 2, y: H / 2, "text-anchor": "middle"}, "nothing yet"));
    return;
  }
  const top = Math.max(...points) * 1.15 || 1, count = series[0].values.length;
  const x = i => X0 + (W - X0) * (count < 2 ? 1 : i / (count - 1)), y = v => H - (H - 8) * v / top;
  for (const {values, kind} of series) {
    let line = "", area = "", run = [];
    const end = () => {
      if (run.length) {
        const d = run.map(([px, py]) => px.toFixed(1) + " " + py.toFixed(1)).join("L");
        line += "M" + d;
        area += `M${run[0][0].toFixed(1)} ${H}L${d}L${run[run.length - 1][0].toFixed(1)} ${H}Z`;
      }
      run = [];
    };
    values.forEach((v, i) => v === null ? end() : run.push([x(i), y(v)]));
    end();
    if (kind !== "other") drawing.append(svg("path", {class: "area", d: area}));
    drawing.append(svg("path", {class: "curve " + kind, d: line}));
  }
  drawing.append(svg("text", {class: "soft", x: X0 + 2, y: 12}, unit(Math.max(...points))),
    svg("text", {class: "soft", x: X0 + 2, y: H + 18}, clock(first_s).slice(11, 16)),
    svg("text", {class: "soft", x: W, y: H + 18, "text-anchor": "end"}, clock(last_s).slice(11, 16)));
}

function showHistory(value) {
  const samples = value.history || [];
  id("history").hidden = samples.length < 3;
  if (samples.length < 3) return;
  const per = column => samples.slice(1).map((s, i) => {
    const before = samples[i], seconds = s[0] - before[0];
    return s[column] === null || before[column] === null || seconds <= 0 || s[column] < before[column] ? null : (s[column] - before[column]) / seconds;
  });
  const span = [samples[0][0], samples[samples.length - 1][0]];
  const routed = per(1), all = per(2), known = all.some(v => v !== null);
  id("rate").parentElement.hidden = !known;
  plot(id("rate"), [{values: routed, kind: "own"}, {values: all, kind: "other"}], rate, ...span);
  id("rate-now").replaceChildren(html("span", {class: "key own"}, "routed " + rate(routed[routed.length - 1] || 0)),
    html("span", {class: "key other"}, "all " + rate(all[all.length - 1] || 0)));
  plot(id("circles"), [{values: samples.map(s => s[3]), kind: "own"}], time, ...span);
  id("circle-now").textContent = value.full_circle_ms === null ? "not measured" : time(value.full_circle_ms);
}

function showRouting(value) {
  const routing = value.routing;
  id("routing").className = routing ? "known" : "absent";
  if (!routing) return;
  const tiles = [["statements", number(routing.statements)], ["routed", number(routing.routed)],
    ["of all", routing.statements ? (100 * routing.routed / routing.statements).toFixed(1) + " %" : null],
    ["time saved", routing.saved_s == null ? null : duration(routing.saved_s)], ["main answers in", routing.main_ms ? time(routing.main_ms) : null],
    ["routed, half within", routing.routed_p50_ms ? time(routing.routed_p50_ms) : null],
    ["fell back to main", number(Object.values(routing.fallbacks).reduce((a, b) => a + b, 0))],
    ["programs", number(routing.processes)], ["local master", routing.breakers_open ? "left alone" : null]];
  id("tiles").replaceChildren(...tiles.filter(t => t[1] !== null).map(([name, said]) => html("div", {}, html("dt", {}, name), html("dd", {}, said))));
  const reasons = Object.entries(routing.reasons).filter(r => r[1] > 0).sort((a, b) => b[1] - a[1]);
  id("reason-rows").replaceChildren(...reasons.map(([name, count]) => {
    const bar = html("span", {class: "bar"});
    bar.style.width = (100 * count / reasons[0][1]).toFixed(1) + "%";
    return html("tr", {class: name}, html("th", {scope: "row"}, name), html("td", {}, number(count)), html("td", {}, sentences[name] || "", bar));
  }));
}

function showCompared(value) {
  const converge = value.converge;
  const known = converge && converge.tables.length;
  id("compared").className = known ? "known" : "absent";
  if (!known) return;
  id("comparing").textContent = !converge.leads ? (value.paused ? "Nothing is compared during a pause." : "Another daemon compares them now.") :
    converge.paused ? "Comparing waits while a site lags or isn't seen." : converge.waiting ? number(converge.waiting) + " keys are looked at again." : "Compared from here.";
  const cell = (name, text) => html("td", {"data-label": name}, text);
  id("compared-rows").replaceChildren(...converge.tables.map(table => html("tr", {}, html("th", {scope: "row"}, table.table),
    cell("Rows compared", number(table.rows)), cell("Keys that differed", number(table.divergent)), cell("Repaired", number(table.repaired)),
    cell("Came to no verdict", number(table.given_up)), cell("All compared at", table.passed_at_s ? clock(table.passed_at_s) : "not yet"))));
}

// The last events in short, for the first look; the statements are in the list below.
function showLately(value) {
  const events = (value.journal || []).filter(entry => entry.event !== "statement_run").slice(0, 5);
  id("lately").replaceChildren(...events.map(entry => html("li", {class: entry.event}, html("time", {}, clock(entry.at_s).slice(11)),
    html("div", {}, html("b", {}, entry.event.replaceAll("_", " ") + " "), entry.site, " ", html("span", {}, short(entry.detail, 90))))));
}

function showJournal(value) {
  id("entries").replaceChildren(...(value.journal || []).map(entry => html("li", {class: entry.event},
    html("time", {}, clock(entry.at_s)), html("b", {}, entry.event.replaceAll("_", " ")), html("em", {}, entry.site), html("span", {}, entry.detail))));
}

function showState(value) {
  document.title = value.site + ": " + value.headline;
  id("state").className = value.tone;
  id("headline").textContent = value.headline;
  id("plan").textContent = value.daemon.plan + (value.daemon.changes_nothing ? " (it watches and changes nothing)" : "");
  id("notes").replaceChildren(...[value.paused, ...value.warnings].filter(text => text).map(text => html("li", {class: "warning"}, text)), ...value.hints.map(text => html("li", {class: "hint"}, text)));
}

// What hasn't changed is left alone: somebody may be marking a cure to copy, or listening to it.
const shown = new Map();
function showChanged(part, of, value) {
  const text = JSON.stringify(of);
  if (shown.get(part) === text) return;
  shown.set(part, text);
  part(value);
}

function show(value) {
  showChanged(showState, [value.site, value.headline, value.tone, value.daemon.plan, value.daemon.changes_nothing, value.paused, value.warnings, value.hints], value);
  id("circle").textContent = value.full_circle_ms === null ? "full circle not measured" : "full circle " + time(value.full_circle_ms);
  showChanged(drawRing, [value.servers, value.full_circle_ms], value);
  showChanged(showServers, value.servers, value);
  showChanged(showHistory, [value.history, value.full_circle_ms], value);
  showChanged(showRouting, value.routing, value);
  showChanged(showCompared, [value.converge, value.paused], value);
  showChanged(showLately, value.journal, value);
  showChanged(showJournal, value.journal, value);
  id("fresh").className = "";
  id("fresh").textContent = "seen " + clock(value.at_s).slice(11);
}

let answered = Date.now();
async function refresh() {
  try {
    const answer = await fetch("status.json", {cache: "no-store", signal: AbortSignal.timeout(5000)});
    show(await answer.json());
    answered = Date.now();
  } catch (problem) {
    id("fresh").className = "stale";
    id("fresh").textContent = "roundaboutd doesn't answer; this is what was seen at " + new Date(answered).toLocaleTimeString("sv-SE");
  }
}

id("ring").hidden = false;
document.querySelector("main").classList.add("drawn");
// What the daemon has written is painted first, and then drawn over.
const values = JSON.parse(id("values").textContent);
requestAnimationFrame(() => setTimeout(() => values ? show(values) : refresh()));
setInterval(() => document.hidden || refresh(), EVERY_MS);
document.addEventListener("visibilitychange", () => document.hidden || refresh());
})();
