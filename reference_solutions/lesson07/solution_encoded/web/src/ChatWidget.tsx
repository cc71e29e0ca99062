"use client";
import { ChatKit, useChatKit, type UseChatKitOptions } from "@openai/chatkit-react";
import React, { forwardRef, memo, Suspense, type ErrorInfo, type ReactNode } from "react";

import { encodedPage } from "./usePage";
import useChatScript from "./useChatScript";

interface Props {
  apiUrl: string;
  domainKey: string;
  token?: string;
}

class Guard extends React.Component<{ children?: ReactNode }, { message: string | null }> {
  override state = { message: null };
  static getDerivedStateFromError(error: Error) {
    return { message: error.message };
  }
  override componentDidCatch(error: Error, info: ErrorInfo) {
    console.error(error, info.componentStack);
  }
  override render() {
    return this.state.message ? <p>Oops: {this.state.message}</p> : this.props.children;
  }
}

const Chat = ({ apiUrl, domainKey, token }: Props) => {
  const [problem, report] = React.useReducer((_: string, next: string) => next, "");
  const script = useChatScript(10);
  const chatFetch: typeof fetch = React.useCallback(
    async (input, init) => {
      const request: RequestInit = { ...init, credentials: "include" };
      const headers = new Headers(request.headers);
      if (token) headers.append("Authorization", `Bearer ${token}`);
      if (typeof request.body === "string") {
        const { type } = JSON.parse(request.body);
        if (type === "threads.create" || type === "threads.add_user_message")
          headers.set("X-Page", encodedPage());
      }
      const response = await fetch(input, { ...request, headers });
      if (response.status === 401) report("Your session has expired: please sign in again.");
      else if (!response.ok) report(`The server answered ${response.status}.`);
      else report("");
      return response;
    },
    [token],
  );
  const options: UseChatKitOptions = {
    api: { url: apiUrl, domainKey, fetch: chatFetch },
    theme: { colorScheme: "light", radius: "round" },
    header: { enabled: true },
    history: { enabled: true },
    startScreen: { greeting: "Hello!", prompts: [{ label: "Plan", prompt: "Plan my day" }] },
    composer: { placeholder: "Ask", attachments: { enabled: true } },
    onClientTool: async () => ({}),
    onReady: () => console.log("ready"),
  };
  const { control } = useChatKit(options);
  return (
    <Suspense fallback={<p>Loading...</p>}>
      <script async src="https://cdn.platform.openai.com/deployments/chatkit/chatkit.js" />
      {!script.here && !script.late && <p>Loading...</p>}
      {script.late ? <p>We could not load the chat.</p> : null}
      <p aria-live="polite">{problem}</p>
      <ChatKit control={control} className="chat" />
    </Suspense>
  );
};

export const ChatWidget = memo(
  forwardRef<HTMLDivElement, Props>(function ChatWidget(props, ref) {
    return (
      <div ref={ref}>
        <Guard>
          <Chat {...props} />
        </Guard>
      </div>
    );
  }),
);
export default ChatWidget;
