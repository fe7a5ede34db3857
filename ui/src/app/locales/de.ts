import "@/components/ui/words.de";
import "@/features/chat/words.de";
import "@/features/knowledge/words.de";
import "@/features/login/words.de";
import "@/features/people/words.de";
import "@/features/profile/words.de";
import "../words.de";
