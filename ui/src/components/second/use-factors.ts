import { useEffect, useState } from "react";
import { api, body } from "@/api/client";

const ask = () => body(api.GET("/api/factors"));

/** Which second steps one has, also at the door, where there is no query cache. */
export function useFactors() {
  const [data, setData] = useState<Awaited<ReturnType<typeof ask>> | null>(null);
  const [failed, setFailed] = useState<unknown>(null);
  const [round, setRound] = useState(0);
  useEffect(() => {
    let current = true;
    ask().then(
      (found) => current && setData(found),
      (thrown: unknown) => current && setFailed(thrown),
    );
    return () => {
      current = false;
    };
  }, [round]);
  const again = () => {
    setFailed(null);
    setRound(round + 1);
  };
  return { data, failed, again };
}
