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

export function isMessage(body: unknown) {
  if (typeof body !== "string") return false;
  return MESSAGES.includes(JSON.parse(body).type);
}
