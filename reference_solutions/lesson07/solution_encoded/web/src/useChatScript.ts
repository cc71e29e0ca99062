import { useEffect, useState } from "react";

export default function useChatScript(seconds: number) {
  const [state, setState] = useState({ here: false, late: false });
  useEffect(() => {
    let waited = 0;
    const timer = setInterval(() => {
      waited += 250;
      const here = Boolean(customElements.get("openai-chatkit"));
      setState({ here, late: !here && waited >= seconds * 1000 });
      if (here) clearInterval(timer);
    }, 250);
    return () => clearInterval(timer);
  }, [seconds]);
  return state;
}
