import { ChatKit, useChatKit } from "@openai/chatkit-react";

type Props = { apiUrl: string; domainKey: string; token?: string };

// TODO(you): send the credentials and the page along (`api.fetch`), show errors (`onError`), and say
// in words when ChatKit's script does not come.
export function ChatWidget({ apiUrl, domainKey, token }: Props) {
  const { control } = useChatKit({ api: { url: apiUrl, domainKey } });
  return <ChatKit control={control} style={{ height: 600, width: 360 }} />;
}
