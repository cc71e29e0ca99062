import { ChatKit } from "@openai/chatkit-react";
import { Component, type ReactNode } from "react";

import "./parts/widget.css";
import words from "./parts/words.json";
import { useChat } from "./parts/useChat";
import { useScript } from "./parts/useScript";

type Props = { apiUrl: string; domainKey: string; token?: string };

export function ChatWidget(props: Props) {
  return (
    <Boundary>
      <Chat {...props} />
    </Boundary>
  );
}

function Chat(props: Props) {
  const { control, failure } = useChat(props);
  const script = useScript();
  return (
    <div className="chat">
      <h4>{words.title}</h4>
      {script === "waiting" && <p>{words.loading}</p>}
      {script === "missing" && <p className="failure">{words.missing}</p>}
      {failure && <p className="failure">{failure}</p>}
      <ChatKit control={control} className="chat-element" />
    </div>
  );
}

class Boundary extends Component<{ children: ReactNode }, { failed: boolean }> {
  state = { failed: false };

  static getDerivedStateFromError() {
    return { failed: true };
  }

  render() {
    return this.state.failed ? <p>{words.missing}</p> : this.props.children;
  }
}
