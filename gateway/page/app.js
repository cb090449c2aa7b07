// The page: a tile per source, with its figures.

import { JpegPlayer, MjpegPlayer, Mpeg1Player, address } from './players.js';

const STATE_EVERY_MS = 1000;

// The longest that the page waits where the server says when to ask again.
const LONGEST_PAUSE_MS = 10000;

// A server that has not told its state in this time does not answer.
const STATE_WITHIN_MS = 5000;

// Browsers open six connections to a server, and each <img> of motion JPEG keeps one. WebSockets are counted apart.
const MOST_IMAGES = 4;

// Browsers keep 16 WebGL contexts for all their pages, and take the oldest away for another one: its picture is white from then on.
const MOST_CONTEXTS = 8;

// A source that has brought nothing for so long is waited for; a slow one for three times as long as its pictures take.
const STALE_S = 3;

// Tiles narrower than this, in pixels, cannot be read.
const LEAST_WIDTH = 280;

const PLAYERS = { jpeg: JpegPlayer, mpeg1: Mpeg1Player, mjpeg: MjpegPlayer };

// Why the server does not tell its state, by status, where that is for the user to know.
const REFUSED = {
  401: 'The password or token is not accepted: open this page again with the right one',
  503: 'The server has too much to do, trying again',
};

const SAID = {
  connecting: 'Connecting',
  waiting: 'Waiting for the camera',
  lost: 'Connection lost, trying again',
  ended: 'The stream has ended',
};

const grid = document.getElementById('grid');
const modes = document.getElementById('mode');
const summary = document.getElementById('summary');
const back = document.getElementById('all');
const tiles = new Map();

// How far the server's clock is ahead of ours, in seconds, and how long the round trip took that told it.
const clock = { ahead: null, within: Infinity };

function best() {
  return ['jpeg', 'mjpeg'].find((mode) => PLAYERS[mode].works());
}

function visible() {
  return [...tiles.values()].filter((tile) => !tile.root.hidden);
}

class Tile {
  constructor(id) {
    this.id = id;
    this.root = document.getElementById('tile').content.firstElementChild.cloneNode(true);
    this.screen = this.part('screen');
    this.root.dataset.id = id;
    this.name = id || 'Camera';
    this.part('name').textContent = this.name;
    this.screen.setAttribute('aria-label', `Live picture of ${this.name}`);
    this.times = [];
    this.count = 0;
    this.connection = 'connecting';
    this.part('snapshot').onclick = () => this.snapshot();
    this.part('fullscreen').onclick = () => this.toggleFullScreen();
    this.screen.ondblclick = () => this.toggleFullScreen();
    this.screen.onclick = () => {
      if (grid.dataset.many !== undefined) location.hash = encodeURIComponent(id);
    };
  }

  part(name) {
    return this.root.getElementsByClassName(name)[0];
  }

  play(mode) {
    if (this.mode === mode) return;
    this.stop();
    this.mode = mode;
    this.root.dataset.mode = mode;
    const player = new PLAYERS[mode](this.id, {
      shown: (capturedAt) => this.player === player && this.shown(capturedAt),
      state: (name) => this.player === player && this.connected(name),
    }, visible().length > MOST_CONTEXTS);
    this.player = player;
    this.screen.prepend(player.element);
    player.start();
  }

  stop() {
    this.player?.stop();
    this.player?.element.remove();
    this.player = null;
    this.mode = null;
    this.times = [];
    this.delay = null;
  }

  shown(capturedAt) {
    this.count += 1;
    this.times.push(performance.now());
    const { width, naturalWidth, height, naturalHeight } = this.player.element;
    const shape = (naturalWidth || width) / (naturalHeight || height);
    if (shape > 0 && shape !== this.shape) {
      this.shape = shape;
      this.root.style.setProperty('--shape', shape);
      arrange();
    }
    if (capturedAt !== null && clock.ahead !== null) {
      const delay = Date.now() / 1000 + clock.ahead - capturedAt;
      // Smoothed over about ten pictures, so that it can be read.
      this.delay = this.delay === null ? delay : this.delay + (delay - this.delay) / 10;
    }
    this.connected('playing');
  }

  connected(name) {
    this.connection = name;
    this.say();
  }

  // What is known of the source, from the server, and whether anybody else may look.
  update(source, viewers, isFull) {
    this.source = source;
    this.isFull = isFull;
    const now = performance.now();
    this.times = this.times.filter((time) => now - time < 1000);
    const plays = this.connection === 'playing';
    // An <img> does not tell of each picture: as many as the source has are shown.
    const fps = this.mode === 'mjpeg' ? source?.fps : this.times.length;
    this.part('fps').textContent = plays && fps !== undefined ? Math.round(fps) : '–';
    this.part('delay').textContent = plays && this.delay !== null ? `${Math.max(0, Math.round(this.delay * 1000))} ms` : '–';
    this.part('viewers').textContent = viewers ?? '–';
    this.part('viewers').previousElementSibling.textContent = viewers === 1 ? 'viewer' : 'viewers';
    this.root.dataset.frames = this.count;
    if (source) this.player?.look?.(source);
    this.say();
  }

  say() {
    let state = this.connection;
    let reason;
    const { source } = this;
    const isOver = source?.ended === true;
    const isAway = source && (source.age_s === null || source.age_s > Math.max(STALE_S, 3 * source.interval_s));
    const noMpeg1 = this.mode === 'mpeg1' && this.times.length === 0 && source?.mpeg1?.because;
    if (isOver) state = 'ended';
    else if (isAway && (state !== 'lost' || source.lost_because)) [state, reason] = ['waiting', source.lost_because];
    // A WebSocket does not tell why it was refused.
    else if (noMpeg1) [state, reason] = ['lost', `There is no MPEG-1, trying again: ${noMpeg1}`];
    else if (state === 'lost' && this.isFull) reason = 'There are as many viewers as may be, trying again';
    const said = SAID[state] ?? '';
    const text = state === 'waiting' && reason ? `${said}: ${reason}` : reason ?? said;
    if (this.root.dataset.state !== state) this.root.dataset.state = state;
    const place = this.part('said');
    if (text && place.textContent !== text) place.textContent = text;
  }

  async snapshot() {
    const link = document.createElement('a');
    try {
      const answer = await fetch(address(`snapshot/${encodeURIComponent(this.id)}`));
      if (!answer.ok) throw new Error(answer.statusText);
      link.href = URL.createObjectURL(await answer.blob());
    } catch {
      announce('There is no picture to save at the moment');
      return;
    }
    const time = new Date().toISOString().replace(/[:T]/g, '-').slice(0, 19);
    link.download = `${this.id || 'snapshot'}-${time}.jpg`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    announce('Snapshot saved');
  }

  toggleFullScreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else if (this.root.requestFullscreen) this.root.requestFullscreen().catch(() => this.fill());
    else this.fill();
  }

  fill() {
    this.root.classList.toggle('filling');
  }
}

// As many columns as make the pictures largest; where they are the same, those that make fewer rows.
function arrange() {
  const shown = visible();
  const many = shown.length > 1;
  grid.toggleAttribute('data-many', many);
  const shape = shown[0]?.shape ?? 16 / 9;
  // What the heading, the keys and the space between tiles take of the height, and a tile's own bar.
  const around = innerHeight < 480 ? 64 : 120;
  const bar = 72;
  const rows = (columns) => Math.ceil(shown.length / columns);
  const fitting = (columns) => Math.max(LEAST_WIDTH, ((innerHeight - around) / rows(columns) - bar) * shape);
  const width = (columns) => Math.min(grid.clientWidth / columns, fitting(columns));
  let columns = 1;
  for (let more = 2; more <= shown.length; more += 1) {
    if (grid.clientWidth / more < LEAST_WIDTH) break;
    const gain = width(more) - width(columns);
    if (gain > 0 || (gain === 0 && rows(more) < rows(columns))) columns = more;
  }
  grid.style.setProperty('--columns', columns);
  grid.style.setProperty('--widest', `${fitting(columns)}px`);
}

// One source alone, where the address names one.
function choose() {
  let chosen = null;
  try {
    chosen = decodeURIComponent(location.hash.slice(1));
  } catch { /* an address that somebody has cut */ }
  const alone = tiles.size > 1 && location.hash.length > 1 && tiles.has(chosen);
  back.hidden = !alone;
  for (const [id, tile] of tiles) {
    tile.root.hidden = alone && id !== chosen;
    if (tile.root.hidden) tile.stop();
  }
  play();
  arrange();
}

function play() {
  const mode = modes.value === 'auto' ? best() : modes.value;
  let images = 0;
  for (const tile of tiles.values()) {
    if (document.hidden) tile.stop();
    if (document.hidden || tile.root.hidden) continue;
    if (mode === 'mjpeg') images += 1;
    tile.play(images > MOST_IMAGES && JpegPlayer.works() ? 'jpeg' : mode);
  }
}

let announced = -Infinity;

function announce(text) {
  summary.textContent = text;
  announced = performance.now();
}

// How long to wait before the server is asked again.
let pause = STATE_EVERY_MS;

// Whether the server did not answer when it was last asked, and how long it had been there when it did.
let missed = false;
let uptime = 0;

async function look() {
  const began = Date.now();
  pause = STATE_EVERY_MS;
  let refused;
  let busy = false;
  let state;
  try {
    const signal = AbortSignal.timeout?.(STATE_WITHIN_MS);
    const answer = await fetch(address('state?viewing=0'), { cache: 'no-store', signal });
    if (!answer.ok) {
      refused = REFUSED[answer.status];
      const again = 1000 * Number.parseInt(answer.headers.get('retry-after'), 10);
      busy = again > 0;
      if (again > pause) pause = Math.min(again, LONGEST_PAUSE_MS);
      throw new Error(answer.statusText);
    }
    state = await answer.json();
  } catch {
    if (refused || tiles.size === 0) announce(refused ?? 'The server does not answer, trying again');
    document.body.dataset.live = 'none';
    missed = true;
    for (const tile of tiles.values()) {
      // An <img> does not tell that its stream has ended. Where the server has too much to do, it need not have.
      if (tile.mode === 'mjpeg' && !busy) tile.connected('lost');
      tile.update(undefined, undefined);
    }
    return;
  }
  const round = (Date.now() - began) / 1000;
  // The shortest round trip tells the time best; older ones count less and less, because clocks drift.
  if (round <= clock.within) Object.assign(clock, { ahead: state.time - (began / 1000 + round / 2), within: round });
  else clock.within *= 1.02;
  // Where the server was away, or is another one, an <img> is begun anew.
  if (missed || state.uptime_s < uptime) {
    for (const tile of tiles.values()) if (tile.mode === 'mjpeg') tile.stop();
    play();
  }
  [missed, uptime] = [false, state.uptime_s];
  show(state);
}

function show(state) {
  const ids = state.streams.map((stream) => stream.id);
  let changed = false;
  for (const [id, tile] of tiles) {
    if (ids.includes(id)) continue;
    tile.stop();
    tile.root.remove();
    tiles.delete(id);
    changed = true;
  }
  for (const id of ids) {
    if (tiles.has(id)) continue;
    const tile = new Tile(id);
    tiles.set(id, tile);
    grid.append(tile.root);
    changed = true;
  }
  if (changed) choose();
  let live = 0;
  const isFull = state.viewers.present >= state.viewers.most;
  for (const stream of state.streams) {
    const tile = tiles.get(stream.id);
    tile.update(stream, stream.viewers, isFull);
    if (tile.root.dataset.state === 'playing') live += 1;
  }
  const shown = visible().length;
  document.body.dataset.live = live === 0 ? 'none' : live === shown ? 'all' : 'some';
  if (performance.now() - announced < 3000) return;
  const present = state.streams.reduce((sum, stream) => sum + stream.viewers, 0);
  const sources = ids.length === 1 ? '1 source' : `${ids.length} sources`;
  const text = `${sources}, ${present === 1 ? '1 viewer' : `${present} viewers`}`;
  if (summary.textContent !== text) summary.textContent = text;
}

// The tile that a key is meant for: the one in focus, or under the pointer, or the first.
function meant() {
  const root = document.fullscreenElement ?? document.activeElement?.closest('.tile') ?? grid.querySelector('.tile:hover')
    ?? grid.querySelector('.tile:not([hidden])');
  return root && tiles.get(root.dataset.id);
}

document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.target.matches('select, input')) return;
  const tile = meant();
  if (event.key === 'f') tile?.toggleFullScreen();
  else if (event.key === 's') tile?.snapshot();
  else if (event.key === 'Escape' && tile?.root.classList.contains('filling')) tile.fill();
  else if (event.key === 'Enter' && event.target.matches('.screen')) event.target.click();
  else return;
  event.preventDefault();
});

const asked = new URLSearchParams(location.search).get('as');
if (Object.hasOwn(PLAYERS, asked)) modes.value = asked;
modes.onchange = play;
back.onclick = () => {
  history.replaceState(null, '', location.pathname + location.search);
  choose();
};
window.addEventListener('hashchange', choose);
window.addEventListener('resize', arrange);
document.addEventListener('visibilitychange', play);

(async function watch() {
  try {
    // Nobody sees the figures of a page that is hidden.
    if (!document.hidden) await look();
  } finally {
    // Also where something went wrong, of which the browser's console tells.
    setTimeout(watch, pause);
  }
})();
