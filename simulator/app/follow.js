// JavaScript for components that follow: `follow(parentElement, token, seen, heard)` calls `heard(revision, content)` with each
// line. A component has one socket, which is opened again should it break, or once a browser that was offline is online.
//
// A component that speaks passes a fifth argument: `opened()` is called once the socket is open, `closed(waitMs)` when it
// breaks, with the time until the next try (at most `longestMs`), and `replied(reply)` with each reply. `newsLine.say(data)` of
// the parent element sends data and returns whether the socket is open; `newsLine.again()` opens another socket in its place.
const follow = (parentElement, token, seen, heard, more = {}) => {
  const line = parentElement.newsLine ??= { wait: 500 };
  const fresh = line.token !== token || line.drawn !== seen;
  const known = line.token === token && line.seen === seen; // the server has sent it: it need not be asked
  Object.assign(line, { token, drawn: seen, heard, more });
  if (fresh) line.seen = seen;
  const ask = () => line.socket.send(JSON.stringify({ token: line.token, seen: line.seen }));
  const open = () => {
    const address = new URL("news", document.baseURI);
    address.protocol = address.protocol.replace("http", "ws");
    address.search = address.hash = "";
    const socket = line.socket = new WebSocket(address);
    socket.onopen = () => { line.wait = 500; ask(); line.more.opened?.(); };
    socket.onmessage = ({ data }) => {
      const [revision, content] = JSON.parse(data);
      if (revision === null) return line.more.replied?.(content);
      line.seen = revision;
      line.heard(revision, content);
    };
    socket.onclose = () => { if (!line.ended && line.socket === socket) lost(); };
  };
  const lost = () => {
    clearTimeout(line.timer);
    line.timer = setTimeout(open, line.wait = Math.min(2 * line.wait, line.more.longestMs ?? 30000));
    line.more.closed?.(line.wait);
  };
  line.say = said => {
    const ready = line.socket?.readyState === WebSocket.OPEN;
    if (ready) line.socket.send(JSON.stringify({ token: line.token, said }));
    return ready;
  };
  line.again = () => { const old = line.socket; clearTimeout(line.timer); open(); old?.close(); };
  if (!line.network) {
    line.network = new AbortController();
    const options = { signal: line.network.signal };
    addEventListener("offline", () => { line.socket.onclose = null; line.socket.close(); lost(); }, options);
    addEventListener("online", () => line.again(), options);
  }
  line.ended = false;
  if (!line.socket) open();
  else if (fresh && line.socket.readyState > WebSocket.OPEN) line.again(); // a new token need not wait for the next try
  else if (fresh && !known && line.socket.readyState === WebSocket.OPEN) ask();
  return () => {
    line.ended = true;
    clearTimeout(line.timer);
    line.network.abort();
    line.socket?.close();
    delete parentElement.newsLine;
  };
};
