// Ways to play a stream. Each player has an element to show, start() and stop(), and reports by its listener:
//   shown(capturedAt)   a picture is on the screen; capturedAt in seconds by the server's clock, or null
//   state(name)         'connecting', 'playing' or 'lost'

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 4000;

// How long to wait before the next try after so many failures in a row.
function pauseAfter(failures) {
  return Math.min(FIRST_PAUSE_MS * 2 ** (failures - 1), LONGEST_PAUSE_MS);
}

// A connection that says nothing for so long, or is not made in that time, is not trusted: another one is opened. Of a slow source
// it may say nothing for three times as long as its pictures take.
const SILENCE_MS = 15000;

export function address(path) {
  const url = new URL(path, document.baseURI);
  // fetch takes no address with a name and a password in it. The browser knows them, and sends them by itself.
  url.username = url.password = '';
  // Whoever was let in by a token in the page's address needs it everywhere.
  const token = new URLSearchParams(location.search).get('token');
  if (token !== null) url.searchParams.set('token', token);
  return url;
}

// A WebSocket that comes back. over() is called when one has ended, before another one brings anything.
class Connection {
  constructor(path, listener, receive, over) {
    this.url = address(path);
    this.url.protocol = this.url.protocol === 'https:' ? 'wss:' : 'ws:';
    this.listener = listener;
    this.receive = receive;
    this.over = over;
    this.failures = 0;
    this.patience = SILENCE_MS;
  }

  // By what the server says of the source.
  look({ interval_s: interval }) {
    this.patience = Math.max(SILENCE_MS, 3000 * interval);
  }

  open() {
    const socket = new WebSocket(this.url);
    socket.binaryType = 'arraybuffer';
    this.socket = socket;
    let heard = performance.now();
    let silent = true;
    this.watch = setInterval(() => {
      if (performance.now() - heard <= this.patience) return;
      // Where it is open and nothing has come at all, it is more likely the camera that is away.
      if (!silent || socket.readyState !== WebSocket.OPEN) this.listener.state('lost');
      this.close();
      this.open();
    }, 1000);
    socket.onopen = () => this.listener.state('connecting');
    socket.onmessage = (event) => {
      heard = performance.now();
      silent = false;
      this.failures = 0;
      this.receive(event.data);
    };
    socket.onclose = () => {
      this.close();
      this.failures += 1;
      this.listener.state('lost');
      this.again = setTimeout(() => this.open(), pauseAfter(this.failures));
    };
  }

  close() {
    clearInterval(this.watch);
    clearTimeout(this.again);
    const { socket } = this;
    this.socket = null;
    if (socket) {
      // Where the other end is gone, onclose comes a minute later: nobody waits for it.
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    }
    this.over();
  }
}

// JPEGs over a WebSocket, drawn as they come. While one is being decoded the newest waits, and replaces what waited before.
export class JpegPlayer {
  static works() {
    return 'WebSocket' in window && 'createImageBitmap' in window;
  }

  constructor(id, listener) {
    this.listener = listener;
    this.element = document.createElement('canvas');
    this.context = this.element.getContext('2d', { alpha: false, desynchronized: true });
    this.next = null;
    this.busy = false;
    this.capturedAt = null;
    const receive = (message) => {
      if (typeof message === 'string') {
        // When the picture that follows was captured.
        this.capturedAt = Number.parseFloat(message) || null;
        return;
      }
      this.next = { jpeg: message, capturedAt: this.capturedAt };
      if (!this.busy) this.draw();
    };
    const over = () => { this.next = this.capturedAt = null; };
    this.connection = new Connection(`jpeg/${encodeURIComponent(id)}?times=1`, listener, receive, over);
  }

  async draw() {
    this.busy = true;
    while (this.next) {
      const { jpeg, capturedAt } = this.next;
      this.next = null;
      let bitmap;
      try {
        bitmap = await createImageBitmap(new Blob([jpeg], { type: 'image/jpeg' }));
      } catch {
        // Not a whole picture. The next one may be.
        continue;
      }
      const { element } = this;
      if (element.width !== bitmap.width || element.height !== bitmap.height) {
        element.width = bitmap.width;
        element.height = bitmap.height;
      }
      this.context.drawImage(bitmap, 0, 0);
      bitmap.close();
      this.listener.shown(capturedAt);
    }
    this.busy = false;
  }

  look(source) {
    this.connection.look(source);
  }

  start() {
    this.listener.state('connecting');
    this.connection.open();
  }

  stop() {
    this.connection.close();
  }
}

// What JSMpeg takes for its source. What comes is written to its demuxer by us.
class Source {
  constructor() {
    this.streaming = true;
    this.established = true;
    this.completed = false;
  }

  connect() {}
  start() {}
  resume() {}
  destroy() {}
}

// MPEG-1 in a transport stream over a WebSocket, decoded by JSMpeg.
export class Mpeg1Player {
  static works() {
    return 'WebSocket' in window;
  }

  // Where there are many beside it, it is drawn without WebGL.
  constructor(id, listener, isCrowded) {
    this.listener = listener;
    this.isCrowded = isCrowded;
    this.element = document.createElement('canvas');
    this.player = null;
    this.waiting = 0;
    const path = `ws/${encodeURIComponent(id)}`;
    this.connection = new Connection(path, listener, (packets) => this.take(packets), () => this.free());
  }

  async start() {
    this.listener.state('connecting');
    for (let failures = 1; !this.JSMpeg && !this.stopped; failures += 1) {
      try {
        this.JSMpeg = await jsmpeg();
      } catch {
        this.listener.state('lost');
        await new Promise((resolve) => { setTimeout(resolve, pauseAfter(failures)); });
      }
    }
    if (!this.stopped) this.connection.open();
  }

  // JSMpeg reads the size of a stream once, and another connection may bring another size: each has its own decoder.
  make() {
    return new this.JSMpeg.Player('ws:', {
      source: Source,
      canvas: this.element,
      audio: false,
      disableGl: this.isCrowded,
      pauseWhenHidden: false,
      videoBufferSize: 4 << 20,
      onVideoDecode: () => {
        this.waiting = Math.max(0, this.waiting - 1);
        this.listener.shown(null);
      },
    });
  }

  // The canvas keeps the last picture.
  free() {
    this.player?.destroy();
    this.player = null;
    this.waiting = 0;
  }

  take(packets) {
    if (!(packets instanceof ArrayBuffer)) return;
    this.player ??= this.make();
    this.waiting += pictures(new Uint8Array(packets));
    this.player.demuxer.write(packets);
    // JSMpeg shows one picture each time the screen is drawn. What is more than that would stay behind for ever.
    while (this.waiting > 2 && this.player.video.decode());
  }

  stop() {
    this.stopped = true;
    this.connection.close();
  }
}

// How many pictures begin in these packets.
function pictures(packets) {
  let count = 0;
  for (let at = 0; at + 188 <= packets.length; at += 188) {
    const begins = packets[at + 1] & 0x40;
    const pid = ((packets[at + 1] & 0x1f) << 8) | packets[at + 2];
    if (begins && pid === 0x100) count += 1;
  }
  return count;
}

let loading = null;

function jsmpeg() {
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement('script');
    script.src = address('ui/jsmpeg.js');
    script.onload = () => resolve(prepare(window.JSMpeg));
    script.onerror = () => {
      loading = null;
      script.remove();
      reject(new Error('JSMpeg was not loaded'));
    };
    document.head.append(script);
  });
  return loading;
}

// Done once, not for each player: the decoder is loaded, and WebGL is looked for, which JSMpeg does by taking one more of the
// few WebGL contexts that a page may have.
async function prepare(JSMpeg) {
  const { WASMModule, Renderer } = JSMpeg;
  const hasWebGL = Renderer.WebGL.IsSupported();
  Renderer.WebGL.IsSupported = () => hasWebGL;
  if (WASMModule.IsSupported()) {
    const binary = JSMpeg.Base64ToArrayBuffer(JSMpeg.WASM_BINARY_INLINED);
    await new Promise((resolve) => WASMModule.GetModule().loadFromBuffer(binary, () => resolve()));
  }
  return JSMpeg;
}

// No <img> is to be taken from what was loaded before.
let tries = 0;

// An <img> that shows the same picture for so long while the source has newer ones is begun anew; if it shows that one again, it is
// a picture that stands still, and is looked at again after twice as long. Over a slow link, of which a picture that is on its way would
// never come, it may take three times as long as the slowest of the pictures of late.
const STILL_MS = 4000;
const LONGEST_STILL_MS = 64000;
const OF_LATE = 5;

// What is compared of a picture, in pixels.
const SAMPLE = { width: 64, height: 48 };

// Motion JPEG in an <img>: every browser has it, none says which picture it shows, nor that the stream has stopped.
export class MjpegPlayer {
  static works() {
    return true;
  }

  constructor(id, listener) {
    this.path = `video/${encodeURIComponent(id)}`;
    this.listener = listener;
    this.element = document.createElement('img');
    this.element.alt = '';
    this.failures = 0;
    this.patience = STILL_MS;
    // How long the last pictures took, in milliseconds.
    this.took = [];
    this.sample = Object.assign(document.createElement('canvas'), SAMPLE).getContext('2d', { willReadFrequently: true });
  }

  start() {
    this.listener.state(this.failures ? 'lost' : 'connecting');
    this.begin();
  }

  begin() {
    const { element } = this;
    this.again = null;
    this.began = performance.now();
    element.onload = () => {
      this.failures = 0;
      this.listener.shown(null);
    };
    element.onerror = () => {
      this.failures += 1;
      this.listener.state('lost');
      this.again = setTimeout(() => this.start(), pauseAfter(this.failures));
    };
    const url = address(this.path);
    url.searchParams.set('try', tries++);
    element.src = url;
  }

  // Begins anew where the stream has stopped, by what the server says of the source.
  look({ ended, frames, viewers }) {
    const now = performance.now();
    if (ended || this.again || now - this.began < STILL_MS) return;
    if (viewers === 0) {
      this.listener.state('lost');
      this.begin();
      return;
    }
    const pixels = this.pixels();
    if (this.seen?.pixels !== pixels || frames < this.seen.frames) {
      // Not where it was begun anew, and shows again what it showed before.
      if (this.seen && this.seen.pixels !== pixels) {
        this.took = [now - this.seen.since, ...this.took].slice(0, OF_LATE);
        this.patience = Math.min(Math.max(STILL_MS, 3 * Math.max(...this.took)), LONGEST_STILL_MS);
      }
      this.seen = { pixels, frames, since: now };
      return;
    }
    // One of them may be on its way.
    if (frames - this.seen.frames < 2 || now - this.seen.since < this.patience) return;
    this.patience = Math.min(2 * this.patience, LONGEST_STILL_MS);
    this.seen = { pixels, frames, since: now };
    this.begin();
  }

  // What it shows, small.
  pixels() {
    const { sample, element } = this;
    const { width, height } = SAMPLE;
    try {
      sample.drawImage(element, 0, 0, width, height);
    } catch { /* there is nothing yet */ }
    return sample.getImageData(0, 0, width, height).data.join();
  }

  stop() {
    clearTimeout(this.again);
    this.element.onload = this.element.onerror = null;
    // The connection ends only with another address.
    this.element.src = 'data:,';
  }
}
