const MESSAGES = ["threads.create", "threads.add_user_message"];
const MOST = 300;

// The page as it is now, at the moment of sending.
export function readPage() {
  const headings = [...document.querySelectorAll("h1, h2, h3")];
  return {
    url: location.href.slice(0, 1000),
    title: document.title.slice(0, MOST),
    headings: headings.slice(0, 40).map((each) => (each.textContent ?? "").trim().slice(0, MOST)),
  };
}

// A body with the page in its metadata, if it is a message; any other body as it is.
export function withPage(body: BodyInit | null | undefined) {
  if (typeof body !== "string") return body;
  let request;
  try {
    request = JSON.parse(body);
  } catch {
    return body;
  }
  if (!MESSAGES.includes(request?.type)) return body;
  return JSON.stringify({ ...request, metadata: { ...request.metadata, page: readPage() } });
}
