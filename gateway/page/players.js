// Ways to play a stream. Each player has an element to show, start() and stop(), and reports by its listener:
//   shown(capturedAt)   a picture is on the screen; capturedAt in seconds by the server's clock, or null
//   state(name, why)    'connecting', 'playing', 'lost' or 'refused'

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 4000;

// A connection that says nothing for so long is not trusted: it is closed and opened again.
const SILENCE_MS = 15000;

export function address(path) {
  const url = new URL(path, document.baseURI);
  // Whoever was let in by a token in the page's address needs it everywhere.
  const token = new URLSearchParams(location.search).get('token');
  if (token !== null) url.searchParams.set('token', token);
  return url;
}

// A WebSocket that comes back.
class Connection {
  constructor(path, listener, receive) {
    this.url = address(path);
    this.url.protocol = this.url.protocol === 'https:' ? 'wss:' : 'ws:';
    this.listener = listener;
    this.receive = receive;
    this.failures = 0;
  }

  open() {
    this.closed = false;
    const socket = new WebSocket(this.url);
    socket.binaryType = 'arraybuffer';
    this.socket = socket;
    let heard = performance.now();
    let silent = true;
    let distrusted = false;
    this.watch = setInterval(() => {
      if (performance.now() - heard <= SILENCE_MS || socket.readyState !== WebSocket.OPEN) return;
      distrusted = true;
      socket.close();
    }, 1000);
    socket.onopen = () => this.listener.state('connecting');
    socket.onmessage = (event) => {
      heard = performance.now();
      silent = false;
      this.failures = 0;
      this.receive(event.data);
    };
    socket.onclose = () => {
      clearInterval(this.watch);
      if (this.closed) return;
      // Where nothing has come at all, it is more likely the camera that is away.
      if (silent && distrusted) {
        this.open();
        return;
      }
      this.failures += 1;
      this.listener.state('lost');
      const pause = Math.min(FIRST_PAUSE_MS * 2 ** (this.failures - 1), LONGEST_PAUSE_MS);
      this.again = setTimeout(() => this.open(), pause);
    };
  }

  close() {
    this.closed = true;
    clearInterval(this.watch);
    clearTimeout(this.again);
    this.socket?.close();
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
    this.connection = new Connection(`jpeg/${encodeURIComponent(id)}?times=1`, listener, (message) => {
      if (typeof message === 'string') {
        // When the picture that follows was captured.
        this.capturedAt = Number.parseFloat(message) || null;
        return;
      }
      this.next = { jpeg: message, capturedAt: this.capturedAt };
      if (!this.busy) this.draw();
    });
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

  start() {
    this.listener.state('connecting');
    this.connection.open();
  }

  stop() {
    this.connection.close();
    this.next = null;
  }
}

// MPEG-1 in a transport stream over a WebSocket, decoded by JSMpeg.
export class Mpeg1Player {
  static works() {
    return 'WebSocket' in window;
  }

  constructor(id, listener) {
    this.listener = listener;
    this.element = document.createElement('canvas');
    this.waiting = 0;
    this.connection = new Connection(`ws/${encodeURIComponent(id)}`, listener, (packets) => this.take(packets));
  }

  async start() {
    this.listener.state('connecting');
    let JSMpeg;
    try {
      JSMpeg = await jsmpeg();
    } catch {
      this.listener.state('refused', 'The MPEG-1 player could not be loaded');
      return;
    }
    if (this.stopped) return;
    const { connection } = this;
    // What JSMpeg takes for its source: our connection, which says how it is.
    class Source {
      constructor() {
        this.streaming = true;
        this.established = true;
        this.completed = false;
      }
      connect() {}
      start() { connection.open(); }
      resume() {}
      destroy() { connection.close(); }
    }
    this.player = new JSMpeg.Player('ws:', {
      source: Source,
      canvas: this.element,
      audio: false,
      pauseWhenHidden: false,
      videoBufferSize: 4 << 20,
      onVideoDecode: () => {
        this.waiting = Math.max(0, this.waiting - 1);
        this.listener.shown(null);
      },
    });
  }

  take(packets) {
    if (!(packets instanceof ArrayBuffer)) return;
    this.waiting += pictures(new Uint8Array(packets));
    this.player.demuxer.write(packets);
    // JSMpeg shows one picture each time the screen is drawn. What is more than that would stay behind for ever.
    while (this.waiting > 2 && this.player.video.decode());
  }

  stop() {
    this.stopped = true;
    if (this.player) this.player.destroy();
    else this.connection.close();
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
    script.onload = () => resolve(window.JSMpeg);
    script.onerror = () => {
      loading = null;
      script.remove();
      reject(new Error('JSMpeg was not loaded'));
    };
    document.head.append(script);
  });
  return loading;
}

// No <img> is to be taken from what was loaded before.
let tries = 0;

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
  }

  start() {
    const { element } = this;
    this.listener.state(this.failures ? 'lost' : 'connecting');
    element.onload = () => {
      this.failures = 0;
      this.listener.shown(null);
    };
    element.onerror = () => {
      this.failures += 1;
      this.listener.state('lost');
      const pause = Math.min(FIRST_PAUSE_MS * 2 ** (this.failures - 1), LONGEST_PAUSE_MS);
      this.again = setTimeout(() => this.start(), pause);
    };
    const url = address(this.path);
    url.searchParams.set('try', tries++);
    element.src = url;
  }

  stop() {
    clearTimeout(this.again);
    this.element.onload = this.element.onerror = null;
    // The connection ends only with another address.
    this.element.src = 'data:,';
  }
}
